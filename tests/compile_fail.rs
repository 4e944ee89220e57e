//! What must not compile, and how rustc says so. The texts are those of the rustc this crate is
//! developed with; `TRYBUILD=overwrite cargo test --test compile_fail` writes them anew.

#[test]
fn a_verb_exists_only_where_it_can_be_performed() {
    let t = trybuild::TestCases::new();
    t.pass("tests/ui/a_whole_life.rs");
    t.compile_fail("tests/ui/no_*.rs");
}
