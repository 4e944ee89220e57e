//! Images of Docker Hub from a mirror, as the environment says.

use bowline::Docker;
use bowline::container::spec::PullPolicy;
use bowline::throwaway::StartPhase;
use tempfile::TempDir;

use crate::helper::{Helper, spec};

/// What the helper does: ask for images that are not there, and say which.
pub(crate) fn deed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let docker = Docker::connect().await.unwrap();
        let start = |image| docker.throwaway(spec().image(image).pull(PullPolicy::Never));
        for start in [
            start("bowline-no-such:7"),
            start("localhost:1/bowline-no-such"),
            start("bowline-no-such").image_prefix("localhost:1/given"),
            start("bowline-no-such").image_prefix(""),
            start("bowline-no-such").image_prefix("Not a prefix"),
        ] {
            let error = start.await.unwrap_err();
            let told = match error.story.phase {
                StartPhase::Create => error.story.image,
                phase => format!("{phase:?}: {}", error.story.image),
            };
            println!("<<image>>{told}");
        }
    });
}

#[tokio::test]
async fn the_environment_names_a_mirror() {
    const OURS: &str = "BOWLINE_IMAGE_PREFIX";
    const THEIRS: &str = "TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX";
    let table: [(&[(&str, &str)], &str); 4] = [
        (&[], "bowline-no-such:7"),
        (&[(THEIRS, "localhost:1/theirs/")], "localhost:1/theirs/bowline-no-such:7"),
        (&[(OURS, "localhost:1/ours"), (THEIRS, "b")], "localhost:1/ours/bowline-no-such:7"),
        (&[(OURS, ""), (THEIRS, "localhost:1")], "localhost:1/bowline-no-such:7"),
    ];
    for (set, expected) in table {
        let state = TempDir::new().unwrap();
        let (mut command, own) = Helper::prepare("prefix", 1, state.path()).await;
        command.env_remove(OURS).env_remove(THEIRS).envs(set.iter().copied());
        let mut helper = Helper::run(command, own);
        assert_eq!(helper.hear("image"), expected);
        for expected in [
            "localhost:1/bowline-no-such",
            "localhost:1/given/bowline-no-such",
            "bowline-no-such",
            "ResolveImage: bowline-no-such",
        ] {
            assert_eq!(helper.hear("image"), expected, "{set:?}");
        }
        assert!(helper.end().success());
    }
}
