//! Archives that were made to do harm, and what becomes of them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use proptest::prelude::*;
use tar::EntryType;
use tempfile::TempDir;

use super::*;

/// An entry in an archive that says anything.
#[derive(Debug, Clone)]
struct Raw {
    kind: EntryType,
    path: Vec<u8>,
    to: Vec<u8>,
    data: Vec<u8>,
    mode: u32,
}

fn raw(kind: EntryType, path: &str, to: &str) -> Raw {
    Raw { kind, path: path.into(), to: to.into(), data: Vec::new(), mode: 0o755 }
}

fn file(path: &str, data: &str) -> Raw {
    Raw { data: data.into(), mode: 0o644, ..raw(EntryType::Regular, path, "") }
}

fn folder(path: &str) -> Raw {
    raw(EntryType::Directory, path, "")
}

fn link(path: &str, to: &str) -> Raw {
    raw(EntryType::Symlink, path, to)
}

fn same(path: &str, of: &str) -> Raw {
    raw(EntryType::Link, path, of)
}

/// Written field by field, for no writer would write them.
fn archive(entries: &[Raw]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_ustar();
        let old = header.as_old_mut();
        let cut = entry.path.len().min(100);
        old.name[..cut].copy_from_slice(&entry.path[..cut]);
        let cut = entry.to.len().min(100);
        old.linkname[..cut].copy_from_slice(&entry.to[..cut]);
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_mtime(86_400);
        header.set_size(entry.data.len() as u64);
        header.set_uid(77);
        header.set_gid(77);
        header.set_cksum();
        out.append(&header, &*entry.data).unwrap();
    }
    out.into_inner().unwrap()
}

/// A folder to copy into, in a folder of which nothing may be touched.
struct Ground {
    outside: TempDir,
    dest: PathBuf,
}

fn ground() -> Ground {
    let outside = tempfile::tempdir().unwrap();
    let dest = outside.path().join("dest");
    fs::create_dir(&dest).unwrap();
    fs::write(outside.path().join("victim"), "untouched").unwrap();
    fs::set_permissions(outside.path().join("victim"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(outside.path().join("folder")).unwrap();
    fs::set_permissions(outside.path().join("folder"), fs::Permissions::from_mode(0o700)).unwrap();
    Ground { outside, dest }
}

impl Ground {
    fn check(&self) {
        let path = |name| self.outside.path().join(name);
        let mut names: Vec<_> =
            fs::read_dir(self.outside.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["dest", "folder", "victim"]);
        assert_eq!(fs::read_to_string(path("victim")).unwrap(), "untouched");
        let victim = fs::symlink_metadata(path("victim")).unwrap();
        assert_eq!((victim.mode() & 0o7777, victim.nlink()), (0o600, 1));
        let folder = fs::symlink_metadata(path("folder")).unwrap();
        assert_eq!(folder.mode() & 0o7777, 0o700);
        assert_eq!(fs::read_dir(path("folder")).unwrap().count(), 0);
    }

    fn unpack(&self, entries: &[Raw], rules: Rules) -> Outcome<Copied> {
        let done = unpack(&self.dest, Some("top"), &archive(entries), rules);
        self.check();
        done
    }

    /// What the copy says to these entries, and what is left when it is done.
    fn refusal(&self, entries: &[Raw]) -> String {
        match self.unpack(entries, Rules { all_links: true, ..Rules::default() }) {
            Err(Fault::Archive(StreamFault::Protocol(what))) => what,
            Err(Fault::Disk(path, e)) => {
                format!("{}: {e}", path.strip_prefix(&self.dest).unwrap().display())
            }
            other => panic!("{other:?}"),
        }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dest.join(path)).unwrap()
    }
}

fn unpack(dest: &Path, name: Option<&str>, archive: &[u8], rules: Rules) -> Outcome<Copied> {
    let mut unpack = Unpack::new(Place::find(dest, name, true)?, rules);
    for piece in archive.chunks(700) {
        unpack.take(Bytes::copy_from_slice(piece))?;
    }
    unpack.finish()
}

#[test]
fn paths_that_lead_out_are_refused() {
    let ground = ground();
    for (path, why) in [
        ("../victim", "the entry \"../victim\" leads out of the archive"),
        ("top/../../victim", "the entry \"top/../../victim\" leads out of the archive"),
        ("top/..", "the entry \"top/..\" leads out of the archive"),
        ("/etc/x", "the entry \"/etc/x\" is absolute"),
        ("//x", "the entry \"//x\" is absolute"),
        ("./", "the entry \"./\" names nothing"),
        ("other/x", "the entry \"other/x\" is not below what was asked for"),
    ] {
        assert_eq!(ground.refusal(&[folder("top"), file(path, "x")]), why);
        assert_eq!(ground.refusal(&[folder("top"), folder(path)]), why);
        assert_eq!(ground.refusal(&[folder("top"), link(path, "x")]), why);
        assert_eq!(ground.refusal(&[folder("top"), same("top/h", path)]), why);
    }
    let deep = "d/".repeat(DEPTH + 1);
    assert_eq!(ground.unpack(&[folder(&deep[..90])], Rules::default()).unwrap().folders, 1);
    let mut long =
        Unpack::new(Place::find(&ground.dest, Some("t"), true).unwrap(), Rules::default());
    assert!(long.resolve(deep.as_bytes()).is_err());
    // On Unix that is a name like any other.
    ground.unpack(&[file("top/C:\\x", "named oddly")], Rules::default()).unwrap();
    assert_eq!(ground.read("top/C:\\x"), "named oddly");
}

#[test]
fn nothing_is_written_through_a_link_of_the_archive() {
    let out = "top/l: what is there is no folder, and links are not followed";
    for last in
        [file("top/l/x", "through"), folder("top/l/x"), link("top/l/x", "y"), folder("top/l")]
    {
        let ground = ground();
        assert_eq!(
            ground.refusal(&[folder("top"), link("top/l", "../../folder"), last.clone()]),
            out
        );
        let absolute = ground.outside.path().join("folder");
        let absolute = link("top/l", absolute.to_str().unwrap());
        assert_eq!(ground.refusal(&[folder("top"), absolute, last.clone()]), out);
        // Not even where it leads to something harmless.
        assert_eq!(ground.refusal(&[folder("top/d"), link("top/l", "d"), last]), out);
    }
    let ground = ground();
    // A file in a link's place takes that place.
    let entries = [folder("top"), link("top/l", "../../victim"), file("top/l", "instead")];
    ground.unpack(&entries, Rules { all_links: true, ..Rules::default() }).unwrap();
    assert_eq!(ground.read("top/l"), "instead");
}

#[test]
fn nothing_is_written_through_a_link_that_lies_there() {
    let planted = |at: &str, to: &str| {
        let ground = ground();
        fs::create_dir(ground.dest.join("top")).unwrap();
        if at == "top" {
            fs::remove_dir(ground.dest.join("top")).unwrap();
        }
        symlink(to, ground.dest.join(at)).unwrap();
        ground
    };
    let why = ": what is there is no folder, and links are not followed";
    for last in [file("top/l/x", "through"), folder("top/l")] {
        let ground = planted("top/l", "../../folder");
        assert_eq!(ground.refusal(&[folder("top"), last]), format!("top/l{why}"));
    }
    let ground = planted("top", "../folder");
    assert_eq!(ground.refusal(&[folder("top"), file("top/x", "through")]), format!("top{why}"));
    let ground = planted("top/l", "../../victim");
    ground.unpack(&[folder("top"), file("top/l", "instead")], Rules::default()).unwrap();
    assert_eq!(ground.read("top/l"), "instead");
    // The destination itself may be a link to a folder: the caller says so.
    let link = ground.outside.path().join("dest/by-link");
    symlink("top", &link).unwrap();
    let done =
        unpack(&link, Some("t"), &archive(&[folder("t"), file("t/f", "x")]), Rules::default());
    assert_eq!(done.unwrap().files, 1);
    assert_eq!(ground.read("top/t/f"), "x");
    // So it may be one that leads to nothing yet; the link stays, as `docker cp` has it.
    symlink("dangling2", ground.dest.join("dangling")).unwrap();
    symlink("top/made", ground.dest.join("dangling2")).unwrap();
    let place = Place::find(&ground.dest.join("dangling"), Some("f"), false).unwrap();
    let mut unpack = Unpack::new(place, Rules::default());
    unpack.take(archive(&[file("f", "x")]).into()).unwrap();
    unpack.finish().unwrap();
    assert!(fs::symlink_metadata(ground.dest.join("dangling")).unwrap().is_symlink());
    assert_eq!(ground.read("top/made"), "x");
    // A folder of the archive's has such a link in it: that one is replaced.
    symlink("../../made", ground.dest.join("top/planted")).unwrap();
    ground.unpack(&[folder("top"), file("top/planted", "x")], Rules::default()).unwrap();
    assert!(fs::symlink_metadata(ground.dest.join("top/planted")).unwrap().is_file());
    let nowhere = ground.dest.join("nowhere");
    for to in ["none/made", "made/"] {
        symlink(to, &nowhere).unwrap();
        let Err(Fault::Disk(_, e)) = Place::find(&nowhere, Some("f"), false) else {
            panic!("{to}")
        };
        assert_eq!(e.kind(), std::io::ErrorKind::NotFound, "{to}");
        fs::remove_file(&nowhere).unwrap();
    }
    ground.check();
}

#[test]
fn links_that_lead_out_are_left_out() {
    let ground = ground();
    let out = ["/etc/passwd", "..", "../x", "d/../../x", "./../x", "d/../e", "../top/x"];
    let inside = ["x", "d/x", ".", "./d//x", "..x"];
    let deeper = ["..", "../x", "../../top", "../d/.."];
    let mut entries = vec![folder("top"), folder("top/d")];
    for (at, to) in out.iter().chain(&inside).enumerate() {
        entries.push(link(&format!("top/{at}"), to));
    }
    for (at, to) in deeper.iter().enumerate() {
        entries.push(link(&format!("top/d/{at}"), to));
    }
    let copied = ground.unpack(&entries, Rules::default()).unwrap();
    let left: Vec<_> = copied.left_out.iter().map(ToString::to_string).collect();
    let names = ["0", "1", "2", "3", "4", "5", "6", "d/2", "d/3"];
    let wanted = names.map(|name| {
        format!("{}/top/{name} is a link that leads out of what is copied", ground.dest.display())
    });
    assert_eq!((left, copied.left_out_total), (wanted.to_vec(), 9));
    assert_eq!(copied.links, 7);
    let all = Rules { all_links: true, ..Rules::default() };
    assert_eq!(ground.unpack(&entries, all).unwrap().links, 16);
    assert_eq!(fs::read_link(ground.dest.join("top/0")).unwrap(), Path::new("/etc/passwd"));
}

#[test]
fn a_second_name_is_that_of_a_file_in_the_copy() {
    let ground = ground();
    let not_there = "the entry \"top/h\" is to be the same as what is not there";
    assert_eq!(ground.refusal(&[folder("top"), same("top/h", "top/none")]), not_there);
    assert_eq!(ground.refusal(&[folder("top"), same("top/h", "top/no/ne")]), not_there);
    let through = [folder("top"), link("top/l", "../.."), same("top/h", "top/l/victim")];
    let why = "top/h: what is there is no folder, and links are not followed";
    assert_eq!(ground.refusal(&through), why);
    // A link would lead elsewhere by its second name.
    let moved = [folder("top/d"), link("top/d/l", ".."), same("top/h", "top/d/l")];
    let why = "the entry \"top/h\" is to be the same as what is no file";
    assert_eq!(ground.refusal(&moved), why);
    assert_eq!(ground.refusal(&[folder("top"), same("top/h", "top")]), why);
    // A file that is replaced leaves its other names alone.
    let entries = [
        folder("top"),
        file("top/f", "one"),
        same("top/h", "top/f"),
        same("top/h", "top/h"),
        file("top/f", "two"),
    ];
    assert_eq!(ground.unpack(&entries, Rules::default()).unwrap().files, 4);
    assert_eq!((ground.read("top/f"), ground.read("top/h")), ("two".into(), "one".into()));
}

#[test]
fn devices_pipes_and_special_bits_are_left_out() {
    let ground = ground();
    let entries = [
        folder("top"),
        raw(EntryType::Char, "top/null", ""),
        raw(EntryType::Block, "top/sda", ""),
        raw(EntryType::Fifo, "top/pipe", ""),
        Raw { mode: 0o6755, ..file("top/su", "x") },
        Raw { mode: 0o7777, ..folder("top/tmp") },
    ];
    let copied = ground.unpack(&entries, Rules::default()).unwrap();
    let left: Vec<_> = copied.left_out.iter().map(|l| l.why).collect();
    assert_eq!(left, [LeftOutReason::Device, LeftOutReason::Device, LeftOutReason::Pipe]);
    let meta = |path: &str| fs::metadata(ground.dest.join(path)).unwrap();
    assert_eq!(meta("top/su").mode() & 0o7777, 0o755);
    assert_eq!(meta("top/tmp").mode() & 0o7777, 0o777);
    assert_ne!(meta("top/su").uid(), 77);
    assert_eq!(meta("top/su").mtime(), 86_400);
    assert_eq!(meta("top").mtime(), 86_400);
    ground.unpack(&entries, Rules { special_bits: true, ..Rules::default() }).unwrap();
    assert_eq!(meta("top/su").mode() & 0o7777, 0o6755);
}

#[test]
fn what_is_in_the_way() {
    let ground = ground();
    let top = ground.dest.join("top");
    fs::create_dir_all(top.join("d")).unwrap();
    fs::write(top.join("d/kept"), "kept").unwrap();
    fs::write(top.join("f"), "old").unwrap();
    let _socket = UnixListener::bind(top.join("s")).unwrap();
    let in_place = |name: &str, why: &str| format!("top/{name}: {why}");
    let no = |entry: Raw| ground.refusal(&[folder("top"), entry]);
    assert_eq!(no(file("top/d", "x")), in_place("d", "a folder is in its place"));
    assert_eq!(no(link("top/d", "x")), in_place("d", "a folder is in its place"));
    assert_eq!(no(file("top/s", "x")), in_place("s", "something odd is in its place"));
    let why = "what is there is no folder, and links are not followed";
    assert_eq!(no(folder("top/f")), in_place("f", why));
    ground
        .unpack(&[folder("top"), folder("top/d"), file("top/f", "new")], Rules::default())
        .unwrap();
    assert_eq!((ground.read("top/d/kept"), ground.read("top/f")), ("kept".into(), "new".into()));
}

#[test]
fn a_cut_archive_is_an_error_and_a_claim_takes_no_room() {
    let ground = ground();
    let whole = archive(&[folder("top"), file("top/f", "content"), file("top/g", "")]);
    for cut in [512, 1024, 1030, 1500, 2048, whole.len() - 513] {
        let done = unpack(&ground.dest, Some("top"), &whole[..cut], Rules::default());
        assert!(matches!(done, Err(Fault::Archive(StreamFault::Cut))), "{cut}: {done:?}");
    }
    let mut huge = archive(&[file("top", "")]);
    huge[124..136].copy_from_slice(b"77777777777\0");
    huge[148..156].fill(b' ');
    let sum: u32 = huge[..512].iter().map(|b| u32::from(*b)).sum();
    huge[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    fs::remove_dir_all(ground.dest.join("top")).unwrap();
    let done = unpack(&ground.dest, Some("top"), &huge, Rules::default());
    assert!(matches!(done, Err(Fault::Archive(StreamFault::Cut))), "{done:?}");
    assert!(fs::metadata(ground.dest.join("top")).unwrap().blocks() <= 8);
    let few = Rules { limit: Some(1 << 20), ..Rules::default() };
    let done = unpack(&ground.dest, Some("top"), &huge, few);
    assert!(matches!(done, Err(Fault::Archive(StreamFault::TooLarge(_)))), "{done:?}");
}

#[test]
fn what_is_left_out_is_counted_and_not_kept_without_end() {
    let ground = ground();
    let pipes: Vec<_> =
        (0..NAMED + 5).map(|n| raw(EntryType::Fifo, &format!("top/{n}"), "")).collect();
    let copied = ground.unpack(&pipes, Rules::default()).unwrap();
    assert_eq!((copied.left_out.len(), copied.left_out_total), (NAMED, NAMED as u64 + 5));
}

fn any_path(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(parts), 1..4).prop_map(|parts| parts.join("/"))
}

/// Few names, so that entries meet: what is a link for one is a folder for the next.
fn any_entry() -> impl Strategy<Value = Raw> {
    let kinds = [EntryType::Regular, EntryType::Directory, EntryType::Symlink, EntryType::Link];
    let odd = any_path(&["top", "a", "..", ".", "", "victim", "folder"]);
    let path = any_path(&["a", "b"]).prop_map(|path| format!("top/{path}"));
    let path = prop_oneof![9 => path, 1 => odd];
    let to = prop_oneof![
        2 => any_path(&["a", "b", ".."]),
        1 => any_path(&["a", "b"]).prop_map(|path| format!("top/{path}")),
        1 => prop::sample::select(&["../../folder", "../../victim", "../..", "../folder"][..])
            .prop_map(str::to_owned),
    ];
    (prop::sample::select(kinds.to_vec()), path, to).prop_map(|(kind, path, to)| {
        let data = if kind == EntryType::Regular { b"x".to_vec() } else { Vec::new() };
        Raw { kind, path: path.into(), to: to.into(), data, mode: 0o777 }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is in the archive, and links made or not: nothing outside is touched.
    #[test]
    fn nothing_escapes(entries in prop::collection::vec(any_entry(), 1..12), all_links: bool, contents: bool) {
        let ground = ground();
        let name = (!contents).then_some("top");
        let _ = unpack(&ground.dest, name, &archive(&entries), Rules { all_links, ..Rules::default() });
        ground.check();
        if !all_links {
            // No link that was made leads out, whatever others it leads through.
            for found in links(&ground.dest) {
                if let Ok(real) = found.canonicalize() {
                    prop_assert!(real.starts_with(ground.dest.canonicalize().unwrap()), "{found:?}");
                }
            }
        }
    }

    #[test]
    fn random_bytes_escape_nowhere(mut bytes in prop::collection::vec(any::<u8>(), 0..3000), at in 0..2000usize) {
        let ground = ground();
        let _ = unpack(&ground.dest, Some("top"), &bytes, Rules::default());
        let good = archive(&[folder("top"), link("top/l", "x"), file("top/f", "y")]);
        let end = bytes.len().min(40);
        bytes.truncate(end);
        let mut spoilt = good;
        let at = at.min(spoilt.len() - end);
        spoilt[at..at + end].copy_from_slice(&bytes);
        let _ = unpack(&ground.dest, Some("top"), &spoilt, Rules::default());
        ground.check();
    }
}

fn links(at: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(at).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            out.push(entry.path());
        } else if kind.is_dir() {
            out.extend(links(&entry.path()));
        }
    }
    out
}
