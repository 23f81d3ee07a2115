//! Wrong uses of the macros do not compile, and the compiler says what to do.

#[test]
fn wrong_uses_say_what_to_do() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
