//! The commands of the prompt.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::help::{COMMANDS, PSET};
use super::meta::{split, switch, words};
use super::{Halt, Session, help};
use crate::display::Safe;
use crate::format::{Format, text};

impl Session {
    /// Runs a command, a line that begins with a backslash.
    pub fn run_command(&mut self, line: &str) -> Result<(), Halt> {
        let (name, rest) = split(line);
        if name == "\\echo" {
            let shown = Safe::line(rest).to_string();
            return Ok(self.output.note(&shown)?);
        }
        if name == "\\set" {
            return self.set(rest);
        }
        let words = match words(rest) {
            Ok(words) => words,
            Err(message) => return self.fail(&format!("{name}: {message}")),
        };
        let result = match name {
            "\\q" | "\\quit" | "\\exit" => return Err(Halt::Quit),
            "\\?" | "\\h" | "\\help" => {
                let columns = self.settings.width.filter(|_| self.settings.terminal);
                let text = help::text(self.settings.style, columns);
                return Ok(self.output.note(&text)?);
            }
            "\\d" | "\\d+" | "\\l" | "\\dt" | "\\dS" | "\\di" | "\\df" | "\\dp" | "\\conninfo" => {
                return self.describe(name, &words);
            }
            "\\log" => return self.log(&words),
            "\\i" | "\\include" => match words.as_slice() {
                [file] => return self.run_file(&expand(file)),
                _ => Err("give one file".to_owned()),
            },
            "\\o" | "\\out" => self.redirect(&words),
            "\\unset" => match words.as_slice() {
                [name] if self.variables.unset(name) => Ok(()),
                [name] => Err(format!("${name} is not set")),
                _ => Err("give one name".to_owned()),
            },
            "\\format" | "\\f" => return self.pset("format", words.first().map(String::as_str)),
            "\\x" | "\\timing" => {
                let what = if name == "\\x" { "expanded" } else { "timing" };
                return self.pset(what, words.first().map(String::as_str).or(Some("")));
            }
            "\\pset" => match words.as_slice() {
                [] => return self.show_settings(),
                [name] => return self.pset(name, None),
                [name, value] => return self.pset(name, Some(value)),
                _ => Err("give a name and a value".to_owned()),
            },
            "\\history" => return self.show_history(&words),
            "\\session" => match words.as_slice() {
                [] => return self.list_sessions(),
                [name] => return self.change_session(name),
                _ => Err("give one name".to_owned()),
            },
            "\\live" => return self.command_live(&words),
            "\\e" if words.is_empty() => Err("only at a prompt on a terminal".to_owned()),
            "\\e" => Err("takes no argument: it edits the last statement".to_owned()),
            _ => {
                let names = COMMANDS.iter().map(|command| command.name.trim_start_matches('\\'));
                let hint = match ankurah_query_lang::nearest(name.trim_start_matches('\\'), names) {
                    Some(near) => format!("; did you mean \\{near}?"),
                    None => "; \\? lists them all".to_owned(),
                };
                return self.fail(&format!("there is no command {name}{hint}"));
            }
        };
        result.or_else(|message| self.fail(&format!("{name}: {message}")))
    }

    fn set(&mut self, rest: &str) -> Result<(), Halt> {
        if rest.is_empty() {
            let lines: Vec<String> = self
                .variables
                .iter()
                .map(|(name, value)| match value {
                    ankurah_core::value::Value::Null => format!("${name} = null"),
                    ankurah_core::value::Value::String(text) => {
                        format!("${name} = {}", Safe::line(&format!("'{}'", text.replace('\'', "''"))))
                    }
                    value => format!("${name} = {}", Safe::line(&text(value))),
                })
                .collect();
            for line in lines {
                self.output.note(&line)?;
            }
            return Ok(());
        }
        let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        match self.variables.set(name.trim_start_matches('$'), value) {
            Ok(()) => Ok(()),
            Err(message) => self.fail(&format!("\\set: {message}")),
        }
    }

    fn redirect(&mut self, words: &[String]) -> Result<(), String> {
        let file = match words {
            [] => None,
            [_] if self.settings.compared => {
                return Err("a fixture writes no files: what it prints is compared".to_owned());
            }
            [path] => {
                let path = expand(path);
                Some(
                    File::create(&path)
                        .map_err(|error| format!("cannot write {}: {error}", path.display()))?,
                )
            }
            _ => return Err("give one file, or none to write to the screen again".to_owned()),
        };
        self.output.redirect(file).map_err(|error| error.to_string())
    }

    fn show_history(&mut self, words: &[String]) -> Result<(), Halt> {
        let count = match words.first().map(|word| word.parse::<usize>()) {
            None => 20,
            Some(Ok(count)) => count,
            Some(Err(_)) => return self.fail("\\history: give a number"),
        };
        let skip = self.history.len().saturating_sub(count);
        for (at, statement) in self.history.clone().iter().enumerate().skip(skip) {
            let shown = Safe::block(statement).to_string().replace('\n', "\n       ");
            self.output.note(&format!("{:>5}  {shown}", at + 1))?;
        }
        Ok(())
    }

    fn show_settings(&mut self) -> Result<(), Halt> {
        for name in PSET {
            self.pset(name, None)?;
        }
        Ok(())
    }

    /// Shows a setting, or sets it. An empty value turns a switch over.
    fn pset(&mut self, name: &str, value: Option<&str>) -> Result<(), Halt> {
        if let Some(value) = value
            && let Err(message) = self.change(name, value)
        {
            return self.fail(&message);
        }
        let settings = &self.settings;
        let on = |flag: bool| if flag { "on" } else { "off" }.to_owned();
        let shown = match name {
            "format" => settings.format.name().to_owned(),
            "null" => format!("'{}'", Safe::line(&settings.null)),
            "header" => on(settings.header),
            "footer" => on(settings.footer),
            "expanded" => on(settings.expanded),
            "pager" => on(settings.pager),
            "timing" => on(settings.timing),
            "width" => settings.width.map_or("any".to_owned(), |width| width.to_string()),
            _ => {
                let hint = ankurah_query_lang::nearest(name, PSET.iter().copied());
                let hint = hint.map_or_else(|| PSET.join(", "), |near| format!("did you mean {near}?"));
                return self.fail(&format!("there is no setting `{name}`: {hint}"));
            }
        };
        // Scripts are quiet about what they set.
        if value.is_none() || self.settings.terminal {
            self.output.note(&format!("{name} is {shown}"))?;
        }
        Ok(())
    }

    fn change(&mut self, name: &str, value: &str) -> Result<(), String> {
        let word: &[String] = if value.is_empty() { &[] } else { &[value.to_owned()] };
        let settings = &mut self.settings;
        match name {
            "format" => {
                settings.format = Format::from_str(value, true).map_err(|_| {
                    let names = Format::value_variants().iter().map(|format| format.name());
                    match ankurah_query_lang::nearest(value, names.clone()) {
                        Some(near) => format!("there is no format `{value}`; did you mean {near}?"),
                        None => {
                            format!("there is no format `{value}`: {}", names.collect::<Vec<_>>().join(", "))
                        }
                    }
                })?;
                settings.format_is_set = true;
            }
            // It goes to the terminal like any other text.
            "null" => settings.null = Safe::line(value).to_string(),
            "header" => settings.header = switch(word, settings.header)?,
            "footer" => settings.footer = switch(word, settings.footer)?,
            "expanded" => settings.expanded = switch(word, settings.expanded)?,
            "pager" => settings.pager = switch(word, settings.pager)?,
            "timing" => {
                let on = switch(word, settings.timing)?;
                if on && settings.compared {
                    return Err("a fixture shows no times: they differ whenever it is run".to_owned());
                }
                settings.timing = on;
            }
            "width" => {
                settings.width_is_set = true;
                settings.width = match value {
                    "any" | "0" => None,
                    value => {
                        Some(value.parse().map_err(|_| format!("`{value}` is neither a number nor `any`"))?)
                    }
                };
            }
            _ => {}
        }
        Ok(())
    }
}

/// A path as typed, `~` being the home folder.
pub(crate) fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}
