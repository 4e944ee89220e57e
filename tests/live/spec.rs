//! A spec says what the docker command's flags say: both create, and `docker inspect` must show
//! the same. Needs the docker command.

use std::process::Command;
use std::time::Duration;

use bowline::container::spec::{
    DeviceRequest, Endpoint, Healthcheck, Mount, PortSpec, Propagation, RestartPolicy,
};
use bowline::{ApiVersion, Container, ContainerSpec, Docker, Error, Running};
use serde_json::Value;

use crate::support::engine::{IMAGE, docker, unique};

/// Run the docker command.
fn cli(args: &[&str]) -> Result<String, String> {
    let output = Command::new("docker")
        .args(args)
        .env_remove("DOCKER_API_VERSION")
        .env_remove("BOWLINE_ABSENT")
        .output()
        .unwrap_or_else(|e| panic!("these tests compare with the docker command: {e}"));
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned()),
        false => Err(String::from_utf8(output.stderr).unwrap().trim().to_owned()),
    }
}

/// Something on the engine that goes when the test ends, however it ends.
struct Made(Vec<String>);

impl Made {
    fn with(create: &[&str], remove: &[&str], what: &str) -> Made {
        cli(create).unwrap();
        Made(remove.iter().chain([&what]).map(|&s| s.to_owned()).collect())
    }

    fn container(id: &str) -> Made {
        Made(["rm", "--force", "--volumes", id].map(str::to_owned).to_vec())
    }

    fn named(name: &str) -> Made {
        let create = ["create", "--pull=never", "--volume=/shared", "--name", name, IMAGE, "true"];
        Made::with(&create, &["rm", "--force", "--volumes"], name)
    }

    fn network(name: &str, flags: &[&str]) -> Made {
        let create = [&["network", "create"], flags, &[name]].concat();
        Made::with(&create, &["network", "rm"], name)
    }

    fn volume(name: &str) -> Made {
        Made::with(&["volume", "create", name], &["volume", "rm", "--force"], name)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let args: Vec<&str> = self.0.iter().map(String::as_str).collect();
        if let Err(e) = cli(&args) {
            eprintln!("docker {}: {e}", args.join(" "));
        }
    }
}

/// Create by flags and by `spec`, and compare what came of it. Where the engine refuses the one
/// it must refuse the other with the same words.
async fn agree(flags: &[&str], spec: ContainerSpec) {
    let args = [&["create", "--pull=never"], flags, &[IMAGE, "sleep", "7"]].concat();
    let theirs = cli(&args).map(|out| out.lines().last().unwrap_or_default().to_owned());
    let theirs_made = theirs.as_deref().ok().map(Made::container);
    let ours = docker().await.create(spec.cmd(["sleep", "7"])).await;
    let (theirs, ours) = match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => (theirs, ours),
        (Err(theirs), Err(ours)) => {
            let ours = ours.to_string();
            let words = ours.trim_start_matches("POST /containers/create: ");
            let words = words.rsplit_once(" (").map_or(words, |(words, _)| words);
            assert!(theirs.contains(words), "{flags:?}: the command: {theirs}; we: {ours}");
            return;
        }
        (Ok(_), Err(e)) => panic!("{flags:?}: we fail, the command does not: {e}"),
        (Err(e), Ok(ours)) => {
            ours.remove().await.unwrap();
            panic!("{flags:?}: the command fails, we do not: {e}")
        }
    };
    let ours_made = Made::container(ours.id().as_str());
    let seen = cli(&["inspect", &theirs, ours.id().as_str()]).unwrap();
    drop((theirs_made, ours_made));
    let mut seen: Vec<Value> = serde_json::from_str(&seen).unwrap();
    let (mut ours, mut theirs) = (seen.pop().unwrap(), seen.pop().unwrap());
    for one in [&mut ours, &mut theirs] {
        forget_what_must_differ(one);
    }
    let mut differences = Vec::new();
    compare("", &theirs, &ours, &mut differences);
    assert!(differences.is_empty(), "{flags:?}:\n{}", differences.join("\n"));
}

fn forget_what_must_differ(inspected: &mut Value) {
    let id = inspected["Id"].as_str().unwrap().to_owned();
    let name = inspected["Name"].as_str().unwrap().to_owned();
    let top = inspected.as_object_mut().unwrap();
    for key in [
        "Id",
        "Name",
        "Created",
        "GraphDriver",
        "LogPath",
        "HostnamePath",
        "HostsPath",
        "ResolvConfPath",
    ] {
        top.remove(key);
    }
    if inspected["Config"]["Hostname"] == id[..12] {
        inspected["Config"]["Hostname"] = "the short id".into();
    }
    // The command sorts them, or leaves them in no order.
    for list in ["/Config/Env", "/HostConfig/Ulimits"] {
        if let Some(list) = inspected.pointer_mut(list).and_then(Value::as_array_mut) {
            list.sort_by_key(Value::to_string);
        }
    }
    for link in inspected["HostConfig"]["Links"].as_array_mut().into_iter().flatten() {
        *link = link.as_str().unwrap().replace(&name, "/this").into();
    }
    let restart = &mut inspected["HostConfig"]["RestartPolicy"]["Name"];
    if *restart == "" {
        // The command says "no" where nothing was said; to the engine it is one.
        *restart = "no".into();
    }
    for mount in inspected["Mounts"].as_array_mut().into_iter().flatten() {
        // A volume without a name is called by 64 digits.
        if mount["Name"].as_str().is_some_and(|name| name.len() == 64) {
            mount["Source"] = "its files".into();
            mount["Name"] = "anonymous".into();
        }
    }
}

/// The command writes out what is empty, and the engine repeats it.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn compare(path: &str, theirs: &Value, ours: &Value, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (a, b) if is_empty(a) && is_empty(b) => {}
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let (a, b) =
                    (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                compare(&format!("{path}.{key}"), a, b, differences);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{n}]"), a, b, differences);
            }
        }
        (a, b) if a != b => differences.push(format!("  {path}: the command: {a}, we: {b}")),
        _ => {}
    }
}

/// A test for each line: its name, the flags, and the setters that say the same.
macro_rules! pairs {
    ($($name:ident: [$($flag:expr),*] => $($setter:ident($($arg:expr),*)).*;)*) => {$(
        #[tokio::test]
        async fn $name() {
            agree(&[$($flag),*], ContainerSpec::new(IMAGE)$(.$setter($($arg),*))*).await;
        }
    )*};
}

const SECOND: Duration = Duration::from_secs(1);

pairs! {
    nothing: [] => cmd(["x"]);
    env: ["--env=A=1", "-eB=x=y z"] => env("A", "1").env("B", "x=y z");
    envs: ["--env=A=1", "--env=B="] => envs([("A", "1"), ("B", "")]);
    env_remove: ["--env=BOWLINE_ABSENT"] => env_remove("BOWLINE_ABSENT");
    workdir: ["--workdir=/tmp"] => workdir("/tmp");
    user: ["--user=1000:1000"] => user("1000:1000");
    group_add: ["--group-add=audio", "--group-add=44"] => group_add("audio").group_add("44");
    tty: ["--tty"] => tty();
    interactive: ["--interactive"] => interactive();
    tty_interactive: ["-ti"] => tty().interactive();
    entrypoint: ["--entrypoint=/bin/sh"] => entrypoint(["/bin/sh"]);
    no_entrypoint: ["--entrypoint="] => entrypoint([""]);
    init: ["--init"] => init(true);
    no_init: ["--init=false"] => init(false);
    stop_signal: ["--stop-signal=SIGQUIT"] => stop_signal("SIGQUIT");
    stop_timeout: ["--stop-timeout=3"] => stop_timeout(SECOND * 3);
    stop_timeout_0: ["--stop-timeout=0"] => stop_timeout(Duration::ZERO);
    rm: ["--rm"] => rm();
    restart_no: ["--restart=no"] => restart(RestartPolicy::No);
    restart_always: ["--restart=always"] => restart(RestartPolicy::Always);
    restart_unless_stopped: ["--restart=unless-stopped"] => restart(RestartPolicy::UnlessStopped);
    restart_on_failure: ["--restart=on-failure"] => restart(RestartPolicy::OnFailure { max: None });
    restart_on_failure_5: ["--restart=on-failure:5"] => restart(RestartPolicy::OnFailure { max: Some(5) });
    runtime: ["--runtime=runc"] => runtime("runc");
    runtime_unknown: ["--runtime=none-such"] => runtime("none-such");
    platform: ["--platform=linux/amd64"] => platform("linux/amd64");
    platform_other: ["--platform=linux/s390x"] => platform("linux/s390x");
    label: ["--label=a=1", "--label=b=x=y,z", "--label=c"] => label("a", "1").label("b", "x=y,z").label("c", "");
    labels: ["--label=a=1", "--label=b=2"] => labels([("a", "1"), ("b", "2")]);
    hostname: ["--hostname=web"] => hostname("web");
    domainname: ["--domainname=example.com"] => domainname("example.com");
    healthcheck: ["--health-cmd=true", "--health-interval=5s", "--health-timeout=2s", "--health-retries=4", "--health-start-period=1m"]
        => healthcheck(Healthcheck::shell("true").interval(SECOND * 5).timeout(SECOND * 2).retries(4).start_period(SECOND * 60));
    healthcheck_times: ["--health-interval=5s"] => healthcheck(Healthcheck::of_image().interval(SECOND * 5));
    no_healthcheck: ["--no-healthcheck"] => healthcheck(Healthcheck::none());
    log_driver: ["--log-driver=none"] => log_driver("none");
    log_driver_unknown: ["--log-driver=none-such"] => log_driver("none-such");
    log_opt: ["--log-opt=max-size=1m", "--log-opt=max-file=2"] => log_opt("max-size", "1m").log_opt("max-file", "2");

    publish_container: ["--publish=80"] => publish(80);
    publish_pair: ["--publish=8080:80"] => publish((8080, 80));
    publish_text: ["--publish=8080:80"] => publish("8080:80");
    publish_ranges: ["--publish=127.0.0.1:8080-8090:80-90/udp"] => publish("127.0.0.1:8080-8090:80-90/udp");
    publish_one_of_range: ["--publish=8080-8090:80"] => publish("8080-8090:80");
    publish_free_on: ["--publish=127.0.0.1::80"] => publish("127.0.0.1::80");
    publish_port_0: ["--publish=0:80"] => publish("0:80");
    publish_v6: ["--publish=[::1]:8080:80"] => publish("[::1]:8080:80");
    publish_sctp: ["--publish=80/sctp", "--publish=80/TCP"] => publish("80/sctp").publish("80/TCP");
    publish_twice: ["--publish=8080:80", "--publish=8081:80"] => publish("8080:80").publish((8081, 80));
    publish_all: ["--publish-all", "--expose=80"] => publish_all().expose(80);
    expose: ["--expose=80-82/udp", "--expose=9"] => expose("80-82/udp").expose(PortSpec::from(9));

    volume_anonymous: ["--volume=/data"] => volume("/data");
    volume_bind: ["--volume=/tmp:/data:ro"] => volume("/tmp:/data:ro");
    volume_options: ["--volume=/tmp:/data:rw,rslave"] => volume("/tmp:/data:rw,rslave");
    mount_bind: ["--mount=type=bind,src=/tmp,dst=/data,readonly,bind-propagation=rslave"]
        => mount(Mount::bind("/tmp", "/data").read_only().propagation(Propagation::RSlave));
    mount_bind_flat: ["--mount=type=bind,src=/tmp,dst=/data,bind-recursive=disabled,consistency=cached"]
        => mount(Mount::bind("/tmp", "/data").non_recursive().consistency("cached"));
    mount_absent: ["--mount=type=bind,src=/none/such,dst=/data"] => mount(Mount::bind("/none/such", "/data"));
    mount_anonymous: ["--mount=type=volume,dst=/data,volume-label=a=1"]
        => mount(Mount::anonymous_volume("/data").label("a", "1"));
    mount_tmpfs: ["--mount=type=tmpfs,dst=/data,tmpfs-size=64m,tmpfs-mode=1770"]
        => mount(Mount::tmpfs("/data").size("64m").mode(0o1770));
    tmpfs: ["--tmpfs=/run", "--tmpfs=/tmp:size=64m,mode=1777"] => tmpfs("/run").tmpfs("/tmp:size=64m,mode=1777");
    shm_size: ["--shm-size=128m"] => shm_size("128m");
    read_only: ["--read-only"] => read_only();
    volume_driver: ["--volume-driver=local", "--volume=/data"] => volume_driver("local").volume("/data");
    storage_opt: ["--storage-opt=size=1G"] => storage_opt("size", "1G");

    network_host: ["--network=host"] => network("host");
    network_none: ["--network=none"] => network("none");
    network_bridge: ["--network=bridge"] => network("bridge");
    dns: ["--dns=1.1.1.1", "--dns=::1"] => dns("1.1.1.1").dns(std::net::Ipv6Addr::LOCALHOST);
    dns_search: ["--dns-search=example.com"] => dns_search("example.com");
    dns_option: ["--dns-option=ndots:2"] => dns_option("ndots:2");
    add_host: ["--add-host=db:10.0.0.1", "--add-host=me:host-gateway", "--add-host=six:::1"]
        => add_host("db", "10.0.0.1").add_host("me", "host-gateway").add_host("six", "::1");

    memory: ["--memory=512m"] => memory("512m");
    memory_bytes: ["--memory=1.5g"] => memory(1_610_612_736);
    memory_too_small: ["--memory=1m"] => memory("1m");
    memory_swap: ["--memory=64m", "--memory-swap=1g"] => memory("64m").memory_swap("1g");
    memory_swap_endless: ["--memory=64m", "--memory-swap=-1"] => memory("64m").memory_swap("-1");
    memory_reservation: ["--memory-reservation=32m"] => memory_reservation("32m");
    memory_swappiness: ["--memory-swappiness=10"] => memory_swappiness(10);
    kernel_memory: ["--kernel-memory=64m"] => kernel_memory("64m");
    cpus: ["--cpus=1.5"] => cpus(1.5);
    cpu_shares: ["--cpu-shares=512"] => cpu_shares(512);
    cpu_period: ["--cpu-period=50000", "--cpu-quota=25000"] => cpu_period(50_000).cpu_quota(25_000);
    cpu_rt: ["--cpu-rt-period=1000000", "--cpu-rt-runtime=950000"] => cpu_rt_period(1_000_000).cpu_rt_runtime(950_000);
    cpuset: ["--cpuset-cpus=0", "--cpuset-mems=0"] => cpuset_cpus("0").cpuset_mems("0");
    pids_limit: ["--pids-limit=100"] => pids_limit(100);
    pids_limit_endless: ["--pids-limit=-1"] => pids_limit(-1);
    blkio_weight: ["--blkio-weight=300"] => blkio_weight(300);
    blkio_weight_device: ["--blkio-weight-device=/dev/null:300"] => blkio_weight_device("/dev/null", 300);
    device_bps: ["--device-read-bps=/dev/null:1m", "--device-write-bps=/dev/null:2048"]
        => device_read_bps("/dev/null", "1m").device_write_bps("/dev/null", 2048);
    device_iops: ["--device-read-iops=/dev/null:100", "--device-write-iops=/dev/null:200"]
        => device_read_iops("/dev/null", 100).device_write_iops("/dev/null", 200);
    ulimit: ["--ulimit=nofile=1024:2048", "--ulimit=core=-1"] => ulimit("nofile", 1024, 2048).ulimit("core", -1, -1);
    oom: ["--oom-score-adj=500", "--oom-kill-disable", "--memory=64m"] => oom_score_adj(500).oom_kill_disable().memory("64m");

    privileged: ["--privileged"] => privileged();
    cap: ["--cap-add=NET_ADMIN", "--cap-add=cap_sys_time", "--cap-drop=ALL"]
        => cap_add("NET_ADMIN").cap_add("cap_sys_time").cap_drop("ALL");
    security_opt: ["--security-opt=no-new-privileges", "--security-opt=seccomp=unconfined"]
        => security_opt("no-new-privileges").security_opt("seccomp=unconfined");
    security_opt_paths: ["--security-opt=systempaths=unconfined"] => security_opt("systempaths=unconfined");
    ipc: ["--ipc=shareable"] => ipc("shareable");
    ipc_host: ["--ipc=host"] => ipc("host");
    pid: ["--pid=host"] => pid("host");
    uts: ["--uts=host"] => uts("host");
    userns: ["--userns=host"] => userns("host");
    cgroupns: ["--cgroupns=private"] => cgroupns("private");
    cgroup_parent: ["--cgroup-parent=/bowline"] => cgroup_parent("/bowline");
    device: ["--device=/dev/fuse", "--device=/dev/null:/dev/nil", "--device=/dev/zero:r", "--device=/dev/full:/dev/f:rw"]
        => device("/dev/fuse").device("/dev/null:/dev/nil").device("/dev/zero:r").device("/dev/full:/dev/f:rw");
    device_cgroup_rule: ["--device-cgroup-rule=c 1:3 mr"] => device_cgroup_rule("c 1:3 mr");
    gpus_all: ["--gpus=all"] => gpus("all");
    gpus_count: ["--gpus=2"] => gpus(2);
    gpus_ids: ["--gpus=\"device=0,1\",driver=nvidia,\"capabilities=compute,utility\""]
        => gpus(DeviceRequest::ids(["0", "1"]).driver("nvidia").capabilities(["compute", "utility"]));
    sysctl: ["--sysctl=net.ipv4.ip_forward=1"] => sysctl("net.ipv4.ip_forward", "1");
}

#[tokio::test]
async fn name() {
    let (theirs, ours) = (unique("cli"), unique("ours"));
    agree(&["--name", &theirs], ContainerSpec::new(IMAGE).name(ours.as_str())).await;
    let web = docker().await.create(ContainerSpec::new(IMAGE).name(ours.as_str())).await.unwrap();
    let _made = Made::container(web.id().as_str());
    assert_eq!(
        cli(&["inspect", "--format={{.Name}}", web.id().as_str()]).unwrap(),
        format!("/{ours}")
    );
}

#[tokio::test]
async fn named_volumes() {
    let name = unique("volume");
    let _volume = Made::volume(&name);
    let flag = format!("--volume={name}:/data:nocopy");
    agree(&[&flag], ContainerSpec::new(IMAGE).volume(format!("{name}:/data:nocopy"))).await;
    let flag =
        format!("--mount=type=volume,src={name},dst=/data,volume-nocopy,volume-driver=local");
    let mount = Mount::volume(name.as_str(), "/data").no_copy().driver("local");
    agree(&[&flag], ContainerSpec::new(IMAGE).mount(mount)).await;
}

#[tokio::test]
async fn a_new_volume_with_options() {
    let (theirs, ours) = (unique("volume"), unique("volume"));
    let mount = |name: &str| {
        Mount::volume(name, "/data").driver_option("type", "tmpfs").driver_option("device", "tmpfs")
    };
    let made = docker().await.create(ContainerSpec::new(IMAGE).mount(mount(&ours))).await.unwrap();
    let _volume = Made(["volume", "rm", &ours].map(str::to_owned).to_vec());
    let _made = Made::container(made.id().as_str());
    let flag = format!(
        "--mount=type=volume,src={theirs},dst=/data,volume-opt=type=tmpfs,volume-opt=device=tmpfs"
    );
    let id = cli(&["create", "--pull=never", &flag, IMAGE]).unwrap();
    let _volume = Made(["volume", "rm", &theirs].map(str::to_owned).to_vec());
    let _made = Made::container(&id);
    let options =
        |name: &str| cli(&["volume", "inspect", "--format={{json .Options}}", name]).unwrap();
    assert_eq!(options(&ours), options(&theirs));
    assert_eq!(options(&ours), r#"{"device":"tmpfs","type":"tmpfs"}"#);
}

#[tokio::test]
async fn another_containers_things() {
    let other = unique("other");
    let _other = Made::named(&other);
    let spec = || ContainerSpec::new(IMAGE);
    let of = format!("container:{other}");
    agree(&["--volumes-from", &format!("{other}:ro")], spec().volumes_from(format!("{other}:ro")))
        .await;
    agree(&["--ipc", &of], spec().ipc(of.as_str())).await;
    agree(&["--pid", &of], spec().pid(of.as_str())).await;
    agree(&["--network", &of], spec().network(of.as_str())).await;
    agree(&["--link", &format!("{other}:db")], spec().link(format!("{other}:db"))).await;
}

#[tokio::test]
async fn a_network_of_ones_own() {
    let (net, other) = (unique("net"), unique("linked"));
    let n = std::process::id() % 200;
    let (v4, v6) = (format!("10.213.{n}"), format!("fd5e:b0:{n}:"));
    let subnets =
        [format!("--subnet={v4}.0/24"), format!("--subnet={v6}:/64"), "--ipv6".to_owned()];
    let subnets: Vec<&str> = subnets.iter().map(String::as_str).collect();
    let _net = Made::network(&net, &subnets);
    let _other = Made::named(&other);
    let spec = || ContainerSpec::new(IMAGE).network(net.as_str());
    let (ip, ip6) = (format!("{v4}.9"), format!("{v6}:9"));
    for (flags, spec) in [
        (vec![], spec()),
        (
            vec!["--network-alias=a", "--network-alias=b"],
            spec().network_alias("a").network_alias("b"),
        ),
        (vec!["--ip", &ip, "--ip6", &ip6], spec().ip(&ip).ip6(&ip6)),
        (vec!["--link-local-ip=169.254.1.2"], spec().link_local_ip("169.254.1.2")),
        (vec!["--link", &other], spec().link(other.as_str())),
    ] {
        agree(&[&["--network", &net], &flags[..]].concat(), spec).await;
    }
    let long = format!("--network=name={net},alias=a,ip={ip},driver-opt=com.example.a=1");
    let end = Endpoint::new(net.as_str()).alias("a").ip(&ip).driver_opt("com.example.a", "1");
    agree(&[&long], ContainerSpec::new(IMAGE).network(end)).await;
}

/// The command refuses its own flag on an engine older than API 1.44.
#[tokio::test]
async fn mac_address() {
    let net = unique("net");
    let _net = Made::network(&net, &[]);
    let spec = || ContainerSpec::new(IMAGE).cmd(["cat", "/sys/class/net/eth0/address"]).rm();
    let (a, b) = ("92:d0:c6:0a:29:33", "92:d0:c6:0a:29:34");
    for (mac, spec) in [
        (a, spec().mac_address(a)),
        (b, spec().network(net.as_str()).mac_address(b)),
        (a, spec().network(Endpoint::new(net.as_str()).mac_address(a))),
    ] {
        let output = docker().await.run(spec).output().await.unwrap();
        assert_eq!(output.stdout_lossy().trim(), mac, "{}", output.stderr_lossy());
    }
}

/// What an inspect of `on` shows at these places.
async fn inspected(on: &Container<Running>, places: &[&str]) -> Vec<Value> {
    let whole = cli(&["inspect", on.id().as_str()]).unwrap();
    let whole: Value = serde_json::from_str(&whole).unwrap();
    places.iter().map(|place| whole[0]["HostConfig"].pointer(place).unwrap().clone()).collect()
}

#[tokio::test]
async fn update_changes_what_is_said_and_nothing_else() {
    let spec = ContainerSpec::new(IMAGE).cmd(["sleep", "1000"]).memory("64m").cpu_shares(100);
    let on = docker().await.run(spec).spawn().await.unwrap();
    let _made = Made::container(on.id().as_str());
    let places = [
        "/Memory",
        "/MemorySwap",
        "/MemoryReservation",
        "/NanoCpus",
        "/CpuShares",
        "/CpusetCpus",
        "/PidsLimit",
        "/RestartPolicy/Name",
        "/RestartPolicy/MaximumRetryCount",
    ];
    let mib = 1_i64 << 20;
    let before = inspected(&on, &places).await;
    assert_eq!(before[..2], [Value::from(64 * mib), Value::from(128 * mib)]);
    on.update()
        .memory("96m")
        .memory_swap("1g")
        .memory_reservation("32m")
        .cpus(0.5)
        .cpuset_cpus("0")
        .pids_limit(50)
        .restart(RestartPolicy::OnFailure { max: Some(2) })
        .await
        .unwrap();
    let after: Vec<Value> = vec![
        (96 * mib).into(),
        (1024 * mib).into(),
        (32 * mib).into(),
        500_000_000.into(),
        100.into(),
        "0".into(),
        50.into(),
        "on-failure".into(),
        2.into(),
    ];
    assert_eq!(inspected(&on, &places).await, after);
    // Not only the record: the kernel's limit too.
    let limit = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max";
    let output = on.exec(["sh", "-c", limit]).await.unwrap();
    assert_eq!(output.stdout_lossy().trim(), (96 * mib).to_string());
    on.update().restart(RestartPolicy::No).await.unwrap();
    assert_eq!(inspected(&on, &["/RestartPolicy/Name"]).await, ["no"]);
}

#[tokio::test]
async fn the_engine_can_refuse_an_update() {
    let on = docker().await.run(ContainerSpec::new(IMAGE).cmd(["sleep", "1000"]).rm());
    let on = on.spawn().await.unwrap();
    let _made = Made::container(on.id().as_str());
    let error = on.update().restart(RestartPolicy::Always).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
}

/// This engine speaks 1.41: what is newer is refused, and nothing is made.
#[tokio::test]
async fn what_is_newer_than_the_engine() {
    let docker = docker().await;
    let docker = Docker::connect()
        .host(docker.host().to_string())
        .api_version(ApiVersion::new(1, 41))
        .await
        .unwrap();
    let name = unique("newer");
    let spec = || ContainerSpec::new(IMAGE).name(name.as_str());
    let start = Healthcheck::shell("true").start_interval(SECOND);
    for (spec, what, needs) in [
        (spec().annotation("a", "1"), "an annotation", 43),
        (spec().healthcheck(start), "a health start interval", 44),
        (spec().network("bridge").network("none"), "creation on several networks", 44),
        (spec().network(Endpoint::new("bridge").gw_priority(1)), "a gateway priority", 48),
        (spec().mount(Mount::image(IMAGE, "/i")), "an image mount", 48),
        (spec().mount(Mount::image(IMAGE, "/i").subpath("a")), "an image mount", 48),
        (spec().mount(Mount::volume("ab", "/v").subpath("a")), "a volume's subpath", 45),
        (spec().annotation("a", "1").mount(Mount::image(IMAGE, "/i")), "an image mount", 48),
    ] {
        match docker.create(spec).await {
            Err(Error::Unsupported(u)) => {
                assert_eq!((u.what, u.needs), (what, ApiVersion::new(1, needs)));
            }
            Ok(made) => {
                made.remove().force().await.unwrap();
                panic!("{what} was not refused");
            }
            Err(e) => panic!("{what}: {e}"),
        }
    }
    assert!(docker.container(name.as_str()).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn stdin_that_is_kept() {
    // With -d the command leaves stdin open for whoever comes.
    let id = cli(&["run", "-d", "-i", "--pull=never", IMAGE, "cat"]).unwrap();
    let _theirs = Made::container(&id);
    let spec = ContainerSpec::new(IMAGE).cmd(["cat"]).keep_stdin();
    let ours = docker().await.run(spec).spawn().await.unwrap();
    let _ours = Made::container(ours.id().as_str());
    let stdin = |id: &str| {
        let format = "{{.Config.OpenStdin}} {{.Config.StdinOnce}} {{.Config.AttachStdin}}";
        cli(&["inspect", "--format", format, id]).unwrap()
    };
    assert_eq!(stdin(ours.id().as_str()), "true false false");
    assert_eq!(stdin(ours.id().as_str()), stdin(&id));
}

/// Every flag of the command is compared above, or stands here with the reason why not.
#[test]
fn no_flag_is_forgotten() {
    let left_out = [
        // The command's own business: nothing of it is sent.
        "--attach",
        "--cidfile",
        "--disable-content-trust",
        "--env-file",
        "--help",
        "--label-file",
        "--pull",
        "--quiet",
        "--use-api-socket",
        // Windows engines alone.
        "--isolation",
        // The command refuses them on an engine as old as this: see the tests by those names.
        "--annotation",
        "--health-start-interval",
        "--mac-address",
    ];
    let help = cli(&["create", "--help"]).unwrap();
    // "  -e, --env list    Set …", "      --dns list    Set …"; what goes on below begins further in.
    let flags: Vec<&str> = help
        .lines()
        .filter_map(|line| line.get(6..)?.strip_prefix("--")?.split_whitespace().next())
        .collect();
    assert!(flags.len() > 90, "{flags:?}");
    let compared = include_str!("spec.rs");
    let missing: Vec<String> = flags
        .iter()
        .map(|flag| format!("--{flag}"))
        .filter(|flag| !left_out.contains(&flag.as_str()))
        .filter(|flag| ["=", "\""].iter().all(|end| !compared.contains(&format!("\"{flag}{end}"))))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
