//! `dk search`, `login` and `logout`.

use std::io::IsTerminal;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bowline::{Credentials, Docker};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::Filters;
use crate::fault::{Done, Fault};
use crate::show::{Style, Table};

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Log in at a registry, and keep the password in config.json
    Login(Login),
    /// Forget a registry's password
    Logout { server: Option<String> },
    /// Search Docker Hub
    Search(Search),
}

pub(crate) async fn verb(docker: &Docker, verb: Verb) -> Done {
    match verb {
        Verb::Login(args) => login(docker, args).await,
        Verb::Logout { server } => {
            let server = server.unwrap_or_else(|| HUB.to_owned());
            println!("Removing login credentials for {server}");
            changed(|auths| _ = auths.remove(&server))
        }
        Verb::Search(args) => search(docker, args).await,
    }
}

const HUB: &str = "https://index.docker.io/v1/";

#[derive(Args)]
pub(crate) struct Login {
    /// The user
    #[arg(short, long)]
    username: String,
    /// The password; others can see it here
    #[arg(short, long)]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// The registry; Docker Hub unless said
    server: Option<String>,
}

async fn login(docker: &Docker, args: Login) -> Done {
    let password = match args.password {
        Some(password) => password,
        None if args.password_stdin || !std::io::stdin().is_terminal() => {
            let text = std::io::read_to_string(std::io::stdin())?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
        None => return Err("--password-stdin: nothing is read from a terminal here".into()),
    };
    let server = args.server.unwrap_or_else(|| HUB.to_owned());
    let credentials = Credentials::password(&args.username, password.as_str());
    let done = docker.login(&server, credentials).await?;
    let mut entry = json!({ "auth": STANDARD.encode(format!("{}:{password}", args.username)) });
    if let Some(token) = done.identity_token {
        entry = json!({ "auth": STANDARD.encode(format!("{}:", args.username)),
                        "identitytoken": token.expose() });
    }
    changed(|auths| _ = auths.insert(server, entry))?;
    println!("{}", done.status);
    Ok(0)
}

/// Change the passwords in the docker command's configuration, where the crate finds them again.
fn changed(change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Done {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".docker");
    let folder = std::env::var_os("DOCKER_CONFIG").map_or_else(home, PathBuf::from);
    let path = folder.join("config.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
    let mut config: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let none = || Fault::from(format!("{} is no configuration", path.display()));
    let auths = config.as_object_mut().ok_or_else(none)?.entry("auths").or_insert(json!({}));
    change(auths.as_object_mut().ok_or_else(none)?);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(&path, config.to_string())?;
    // What is in it is for nobody else.
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(0)
}

#[derive(Args)]
pub(crate) struct Search {
    /// At most so many
    #[arg(long)]
    limit: Option<u32>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    style: Style,
    term: String,
}

async fn search(docker: &Docker, args: Search) -> Done {
    let mut search = docker.search(args.term);
    if let Some(limit) = args.limit {
        search = search.limit(limit);
    }
    for (name, value) in &args.filters.filter {
        let none = |_| Fault::from(format!("invalid filter '{name}={value}'"));
        search = match name.as_str() {
            "is-official" => search.official(value.parse().map_err(|_| none(()))?),
            "stars" => search.stars(value.parse().map_err(|_| none(()))?),
            _ => return Err(none(())),
        };
    }
    let columns = [
        ("Name", "NAME"),
        ("Description", "DESCRIPTION"),
        ("StarCount", "STARS"),
        ("IsOfficial", "OFFICIAL"),
    ];
    let mut table = Table::new(&columns);
    for found in search.await? {
        let official = if found.official { "[OK]" } else { "" };
        let description = args.style.cut(&found.description.replace(['\n', '\r'], " "), 45);
        table.row([found.name, description, found.stars.to_string(), official.to_owned()]);
    }
    table.print(&args.style, "Name")?;
    Ok(0)
}
