//! Where things are: the repository, its files, the target folder and the real data sets.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;

/// Features that are off by default, as cargo names them from outside their packages.
const OPTIONAL: &str = "ankurah-signals/reactive-graph";

/// Names the folder of the real data sets.
pub(crate) const DATA_VARIABLE: &str = "ANKURAH_DATA";

/// The repository that this task works on.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the workspace's Cargo.toml.
    pub(crate) root: PathBuf,
}

impl Workspace {
    /// The workspace that the current folder is in.
    pub(crate) fn find() -> Result<Workspace, String> {
        let start = std::env::current_dir().map_err(|error| format!("no current folder: {error}"))?;
        for folder in start.ancestors() {
            let manifest = folder.join("Cargo.toml");
            if std::fs::read_to_string(&manifest).is_ok_and(|text| text.contains("[workspace]")) {
                return Ok(Workspace { root: folder.to_owned() });
            }
        }
        Err(format!("{} is in no cargo workspace", start.display()))
    }

    /// A cargo that runs in the repository's root.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = command::cargo();
        cargo.current_dir(&self.root);
        cargo
    }

    /// A cargo that does `task` with the whole workspace and every feature.
    ///
    /// What is built of some of the packages has other features than what is built of all, and so would be built
    /// again, dependencies included: all tasks that need code take the workspace as a whole.
    pub(crate) fn whole(&self, task: &[&str]) -> Command {
        let mut cargo = self.cargo();
        cargo.args(task).args(["--workspace", "--features", OPTIONAL]);
        cargo
    }

    /// A program that [`whole`](Self::whole) has built, below the target folder.
    pub(crate) fn built(&self, folder: &str, name: &str) -> PathBuf {
        self.target().join("debug").join(folder).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) if !folder.is_empty() => self.root.join(folder),
            _ => self.root.join("target"),
        }
    }

    /// The folder of the real data sets, if it is there: what `ANKURAH_DATA` names, else the nearest
    /// `shared/data` beside the repository or beside one of its parents.
    pub(crate) fn data(&self) -> Option<PathBuf> {
        let named = std::env::var_os(DATA_VARIABLE).filter(|value| !value.is_empty());
        data_folder(&self.root, named.map(PathBuf::from))
    }

    /// The files under version control and new ones that are not ignored, relative to the root, sorted.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, String> {
        let mut git = Command::new("git");
        git.current_dir(&self.root);
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = command::output(&mut git)?;
        let mut files: Vec<PathBuf> =
            listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
        files.retain(|file| self.root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }
}

fn data_folder(root: &Path, named: Option<PathBuf>) -> Option<PathBuf> {
    let complete = |folder: &PathBuf| folder.join("chinook").join("track.csv").is_file();
    match named {
        Some(folder) => Some(root.join(folder)).filter(complete),
        None => root.ancestors().skip(1).map(|parent| parent.join("shared").join("data")).find(complete),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for one test, removed at the end.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("xtask-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Scratch(path)
        }

        fn with(self, file: &str) -> Scratch {
            let file = self.0.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "TrackId\n").unwrap();
            self
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn data_is_looked_for_beside_the_repository_and_its_parents() {
        let scratch = Scratch::new("beside").with("shared/data/chinook/track.csv");
        let data = Some(scratch.0.join("shared/data"));
        assert_eq!(data_folder(&scratch.0.join("clone"), None), data);
        assert_eq!(data_folder(&scratch.0.join("trees/one"), None), data);
    }

    #[test]
    fn the_variable_wins_and_must_name_real_data() {
        let scratch = Scratch::new("named").with("mine/chinook/track.csv").with("shared/data/other");
        let root = scratch.0.join("clone");
        let mine = scratch.0.join("mine");
        assert_eq!(data_folder(&root, Some(mine.clone())), Some(mine));
        assert_eq!(data_folder(&root, Some(scratch.0.join("shared/data"))), None);
        assert_eq!(data_folder(&root, Some(scratch.0.join("absent"))), None);
    }

    #[test]
    fn this_workspace_is_found_with_its_files() {
        let workspace = Workspace::find().unwrap();
        assert!(workspace.root.join("xtask/Cargo.toml").is_file());
        assert!(workspace.files().unwrap().contains(&PathBuf::from("xtask/src/workspace.rs")));
    }
}
