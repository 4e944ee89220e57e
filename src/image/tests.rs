//! What each verb asks for.

use tokio::io::empty;

use super::instruction::Instruction;
use super::reference::ImageRef;
use super::*;
use crate::error::Error;
use crate::transport::Host;
use crate::wire::Call;

fn nowhere() -> Transport {
    let host = Host::unix("/nowhere").unwrap();
    Transport::new(host, "test".into(), Default::default(), None).unwrap()
}

fn image(name: &str) -> Image {
    Image::new(nowhere(), name.into_image_name().unwrap())
}

fn said(call: Result<Call, Error>) -> String {
    call.map_or_else(|e| format!("refused: {e}"), |call| call.to_string())
}

#[test]
fn of_one_image() {
    let app = image("reg:5000/a/b:v1");
    let by_id = image(&format!("sha256:{}", "0a".repeat(32)));
    let reference: ImageRef = "app".parse().unwrap();
    let all = [
        app.inspect().call().to_string(),
        by_id.inspect().call().to_string(),
        app.history().call().to_string(),
        app.remove().call().to_string(),
        by_id.remove().force().no_prune().call().to_string(),
        said(app.tag("other").call()),
        said(by_id.tag("reg:5000/x:v2").call()),
        said(app.tag("UPPER").call()),
        said(app.tag(&*format!("x@sha256:{}", "0a".repeat(32))).call()),
        InspectDistribution::call(&reference.or_latest()).to_string(),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    GET /images/reg%3A5000%2Fa%2Fb%3Av1/json
    GET /images/sha256%3A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a/json
    GET /images/reg%3A5000%2Fa%2Fb%3Av1/history
    DELETE /images/reg%3A5000%2Fa%2Fb%3Av1
    DELETE /images/sha256%3A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a?force=1&noprune=1
    POST /images/reg%3A5000%2Fa%2Fb%3Av1/tag?repo=other&tag=latest
    POST /images/sha256%3A0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a/tag?repo=reg%3A5000%2Fx&tag=v2
    refused: image reference "UPPER" must have a repository name in lower case
    refused: image name "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a" has a digest, which only the engine can give an image
    GET /distribution/app%3Alatest/json
    "#);
}

#[test]
fn of_many_images() {
    let list = || ListImages::new(nowhere());
    let named = list().filter("label", "a").filter("since", "y").call().to_string();
    assert_eq!(named, list().since("y").label("a").call().to_string());
    let prune = || PruneImages::new(nowhere());
    let search = |term: &str| Search::new(nowhere(), term.into());
    let all = [
        list().call().to_string(),
        list().all().dangling(false).label("a=b").call().to_string(),
        list().reference("*/app").before("x").since("y").call().to_string(),
        list().shared_size().call().to_string(),
        prune().call().to_string(),
        prune().all().until("10m").label("a").without_label("b=c").call().to_string(),
        said(search("a b").call()),
        said(search("x").limit(5).official(true).stars(3).call()),
        said(search(" ").call()),
        said(search("x").limit(0).call()),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    GET /images/json
    GET /images/json?all=1&filters=%7B%22dangling%22%3A%5B%22false%22%5D%2C%22label%22%3A%5B%22a%3Db%22%5D%7D
    GET /images/json?filters=%7B%22before%22%3A%5B%22x%22%5D%2C%22reference%22%3A%5B%22%2A%2Fapp%22%5D%2C%22since%22%3A%5B%22y%22%5D%7D
    GET /images/json?shared-size=1
    POST /images/prune
    POST /images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%2C%22label%22%3A%5B%22a%22%5D%2C%22label%21%22%3A%5B%22b%3Dc%22%5D%2C%22until%22%3A%5B%2210m%22%5D%7D
    GET /images/search?term=a%20b
    GET /images/search?term=x&limit=5&filters=%7B%22is-official%22%3A%5B%22true%22%5D%2C%22stars%22%3A%5B%223%22%5D%7D
    refused: search term " " must be a word without control characters
    refused: search limit "0" must lie between 1 and 100
    "#);
}

#[test]
fn of_archives() {
    let save = |names: &[&str]| {
        Save::new(nowhere(), names.iter().map(|name| name.into_image_name()).collect())
    };
    let load = || Load::new(nowhere(), empty());
    let import = || Import::new(nowhere(), empty());
    let all = [
        said(save(&["a", "reg:5000/b:v1"]).call()),
        said(save(&["a"]).platform("linux/arm64").call()),
        said(save(&[]).call()),
        said(load().call()),
        said(load().platform("linux/arm64").call()),
        said(import().call()),
        said(
            import()
                .name("app:v1")
                .message("a b")
                .platform("linux/arm64")
                .change(Instruction::cmd(["a b"]))
                .change("ENV A=1")
                .call(),
        ),
        said(import().change(Instruction::env("A", "b\n")).call()),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    GET /images/get?names=a&names=reg%3A5000%2Fb%3Av1
    GET /images/get?names=a&platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22arm64%22%7D
    refused: images to save "" must be one or more
    POST /images/load?quiet=1
    POST /images/load?quiet=1&platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22arm64%22%7D
    POST /images/create?fromSrc=-
    POST /images/create?fromSrc=-&repo=app&tag=v1&message=a%20b&platform=linux%2Farm64&changes=CMD%20%5B%22a%20b%22%5D&changes=ENV%20A%3D1
    refused: env "A" must have a name without '=', and no NUL or line break in either part
    "#);
}
