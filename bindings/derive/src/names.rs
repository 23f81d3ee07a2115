//! Names of collections and of stored variants.

use syn::ext::IdentExt;

/// A name in snake case: `TodoItem` is `todo_item`, `HTTPRequest` is `http_request`.
pub(crate) fn snake_case(ident: &syn::Ident) -> String {
    let name = ident.unraw().to_string();
    let mut out = String::with_capacity(name.len());
    let mut previous: Option<char> = None;
    let mut rest = name.chars().peekable();
    while let Some(letter) = rest.next() {
        let begins = previous.is_some_and(|previous| {
            let next_is_small = rest.peek().is_some_and(|next| next.is_lowercase());
            previous != '_' && (!previous.is_uppercase() || next_is_small)
        });
        if letter.is_uppercase() && begins {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
        previous = Some(letter);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_snake_case() {
        for (name, expected) in [
            ("Album", "album"),
            ("TodoItem", "todo_item"),
            ("HTTPRequest", "http_request"),
            ("Point2D", "point2_d"),
            ("Already_snake", "already_snake"),
            ("r#Type", "type"),
            ("X", "x"),
        ] {
            assert_eq!(snake_case(&syn::parse_str(name).unwrap()), expected, "{name}");
        }
    }
}
