//! What each setter sends, and what each refuses.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn spec() -> ContainerSpec {
    ContainerSpec::new("busybox")
}

/// The body, without what every spec sends, and the query.
fn sent(spec: &ContainerSpec) -> String {
    let call = spec.call().unwrap();
    let mut body: serde_json::Value = serde_json::from_slice(call.body.as_ref().unwrap()).unwrap();
    let top = body.as_object_mut().unwrap();
    assert_eq!(top.remove("Image").unwrap(), "busybox");
    assert_eq!(top.remove("AttachStdout").unwrap(), true);
    assert_eq!(top.remove("AttachStderr").unwrap(), true);
    if top["HostConfig"].as_object().unwrap().is_empty() {
        top.remove("HostConfig");
    }
    let mut sent = format!("{}{body}", call.query.as_str());
    if let Some((version, what)) = call.needs {
        write!(sent, " since {version}: {what}").unwrap();
    }
    sent
}

/// A line for each chain of setters: the setters, and what they send.
macro_rules! lines {
    ($what:ident; $($($setter:ident($($arg:expr),*)).+;)*) => {{
        let mut lines = String::new();
        $(
            // How `stringify` spaces and breaks lines is not promised.
            let said: String = stringify!($($setter($($arg),*)).+).split_whitespace().collect();
            writeln!(lines, "{said}\n    {}", $what(&spec()$(.$setter($($arg),*))+)).unwrap();
        )*
        lines
    }};
}

fn refusal(spec: &ContainerSpec) -> String {
    spec.call().map_or_else(|e| e.to_string(), |call| format!("NOT REFUSED: {call}"))
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_image_alone() {
    insta::assert_snapshot!(ContainerSpec::from("busybox").call().unwrap(), @r#"
    POST /containers/create
    {
      "AttachStderr": true,
      "AttachStdout": true,
      "HostConfig": {},
      "Image": "busybox"
    }
    "#);
}

#[test]
fn the_process() {
    insta::assert_snapshot!(lines! { sent;
        cmd(["a", "b c"]);
        entrypoint(["/bin/sh", "-c"]);
        entrypoint([""]);
        entrypoint(Vec::<String>::new());
        env("A", "1=2");
        env("A", "1").env("B", "").env("A", "3");
        env("A", "1").env_remove("A");
        envs([("A", "1"), ("B", "2")]);
        workdir("/srv");
        user("1000:1000");
        group_add("audio").group_add("44");
        tty();
        interactive();
        keep_stdin();
        interactive().keep_stdin();
        keep_stdin().interactive();
        init(true);
        init(false);
        stop_signal("QUIT");
        stop_timeout(Duration::from_millis(1500));
        stop_timeout(Duration::ZERO);
        stop_timeout(Duration::MAX);
        rm();
        restart(RestartPolicy::No).rm();
        restart(RestartPolicy::Always);
        restart(RestartPolicy::UnlessStopped);
        restart(RestartPolicy::OnFailure { max: None });
        restart(RestartPolicy::OnFailure { max: Some(0) });
        runtime("runc");
        platform("linux/arm64");
    }, @r#"
    cmd(["a","bc"])
        {"Cmd":["a","b c"]}
    entrypoint(["/bin/sh","-c"])
        {"Entrypoint":["/bin/sh","-c"]}
    entrypoint([""])
        {"Entrypoint":[""]}
    entrypoint(Vec::<String>::new())
        {"Entrypoint":[""]}
    env("A","1=2")
        {"Env":["A=1=2"]}
    env("A","1").env("B","").env("A","3")
        {"Env":["A=3","B="]}
    env("A","1").env_remove("A")
        {"Env":["A"]}
    envs([("A","1"),("B","2")])
        {"Env":["A=1","B=2"]}
    workdir("/srv")
        {"WorkingDir":"/srv"}
    user("1000:1000")
        {"User":"1000:1000"}
    group_add("audio").group_add("44")
        {"HostConfig":{"GroupAdd":["audio","44"]}}
    tty()
        {"Tty":true}
    interactive()
        {"AttachStdin":true,"OpenStdin":true,"StdinOnce":true}
    keep_stdin()
        {"OpenStdin":true}
    interactive().keep_stdin()
        {"OpenStdin":true}
    keep_stdin().interactive()
        {"OpenStdin":true}
    init(true)
        {"HostConfig":{"Init":true}}
    init(false)
        {"HostConfig":{"Init":false}}
    stop_signal("QUIT")
        {"StopSignal":"QUIT"}
    stop_timeout(Duration::from_millis(1500))
        {"StopTimeout":2}
    stop_timeout(Duration::ZERO)
        {"StopTimeout":0}
    stop_timeout(Duration::MAX)
        {"StopTimeout":2147483647}
    rm()
        {"HostConfig":{"AutoRemove":true}}
    restart(RestartPolicy::No).rm()
        {"HostConfig":{"AutoRemove":true,"RestartPolicy":{"Name":"no"}}}
    restart(RestartPolicy::Always)
        {"HostConfig":{"RestartPolicy":{"Name":"always"}}}
    restart(RestartPolicy::UnlessStopped)
        {"HostConfig":{"RestartPolicy":{"Name":"unless-stopped"}}}
    restart(RestartPolicy::OnFailure{max:None})
        {"HostConfig":{"RestartPolicy":{"Name":"on-failure"}}}
    restart(RestartPolicy::OnFailure{max:Some(0)})
        {"HostConfig":{"RestartPolicy":{"MaximumRetryCount":0,"Name":"on-failure"}}}
    runtime("runc")
        {"HostConfig":{"Runtime":"runc"}}
    platform("linux/arm64")
        ?platform=linux%2Farm64{}
    "#);
}

#[test]
fn names_and_health() {
    insta::assert_snapshot!(lines! { sent;
        name("web-1");
        label("a", "x=y,z").label("b", "");
        labels([("a", "1"), ("b", "2")]);
        annotation("a", "1");
        hostname("web");
        domainname("example.com");
        healthcheck(Healthcheck::cmd(["check", "it"]));
        healthcheck(Healthcheck::shell("check it").interval(SECOND).timeout(SECOND).retries(0));
        healthcheck(Healthcheck::of_image().start_period(SECOND).interval(Duration::ZERO));
        healthcheck(Healthcheck::none());
        healthcheck(Healthcheck::shell("x").start_interval(Duration::from_millis(1)));
        log_driver("none");
        log_opt("max-size", "1m");
    }, @r#"
    name("web-1")
        ?name=web-1{}
    label("a","x=y,z").label("b","")
        {"Labels":{"a":"x=y,z","b":""}}
    labels([("a","1"),("b","2")])
        {"Labels":{"a":"1","b":"2"}}
    annotation("a","1")
        {"HostConfig":{"Annotations":{"a":"1"}}} since 1.43: an annotation
    hostname("web")
        {"Hostname":"web"}
    domainname("example.com")
        {"Domainname":"example.com"}
    healthcheck(Healthcheck::cmd(["check","it"]))
        {"Healthcheck":{"Test":["CMD","check","it"]}}
    healthcheck(Healthcheck::shell("checkit").interval(SECOND).timeout(SECOND).retries(0))
        {"Healthcheck":{"Interval":1000000000,"Retries":0,"Test":["CMD-SHELL","check it"],"Timeout":1000000000}}
    healthcheck(Healthcheck::of_image().start_period(SECOND).interval(Duration::ZERO))
        {"Healthcheck":{"Interval":0,"StartPeriod":1000000000}}
    healthcheck(Healthcheck::none())
        {"Healthcheck":{"Test":["NONE"]}}
    healthcheck(Healthcheck::shell("x").start_interval(Duration::from_millis(1)))
        {"Healthcheck":{"StartInterval":1000000,"Test":["CMD-SHELL","x"]}} since 1.44: a health start interval
    log_driver("none")
        {"HostConfig":{"LogConfig":{"Type":"none"}}}
    log_opt("max-size","1m")
        {"HostConfig":{"LogConfig":{"Config":{"max-size":"1m"}}}}
    "#);
}

#[test]
fn ports() {
    insta::assert_snapshot!(lines! { sent;
        publish(80);
        publish((8080, 80));
        publish((0, 80));
        publish("80");
        publish("80-81/udp");
        publish("8080:80");
        publish(":80");
        publish("127.0.0.1::80");
        publish("127.0.0.1:8080-8081:80-81/SCTP");
        publish("8080-8090:80");
        publish("[::1]:8080:80");
        publish("[::]::80");
        publish("0:80");
        publish((8080, 80)).publish("8081:80").publish("80/udp");
        publish("65535:65535");
        publish_all().expose(80).expose("90-91/udp").expose(String::from("1/tcp"));
    }, @r#"
    publish(80)
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{}]}}}
    publish((8080,80))
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}}}
    publish((0,80))
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"0"}]}}}
    publish("80")
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{}]}}}
    publish("80-81/udp")
        {"ExposedPorts":{"80/udp":{},"81/udp":{}},"HostConfig":{"PortBindings":{"80/udp":[{}],"81/udp":[{}]}}}
    publish("8080:80")
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8080"}]}}}
    publish(":80")
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{}]}}}
    publish("127.0.0.1::80")
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1"}]}}}
    publish("127.0.0.1:8080-8081:80-81/SCTP")
        {"ExposedPorts":{"80/sctp":{},"81/sctp":{}},"HostConfig":{"PortBindings":{"80/sctp":[{"HostIp":"127.0.0.1","HostPort":"8080"}],"81/sctp":[{"HostIp":"127.0.0.1","HostPort":"8081"}]}}}
    publish("8080-8090:80")
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8080-8090"}]}}}
    publish("[::1]:8080:80")
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"::1","HostPort":"8080"}]}}}
    publish("[::]::80")
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"::"}]}}}
    publish("0:80")
        {"ExposedPorts":{"80/tcp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"0"}]}}}
    publish((8080,80)).publish("8081:80").publish("80/udp")
        {"ExposedPorts":{"80/tcp":{},"80/udp":{}},"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"8080"},{"HostPort":"8081"}],"80/udp":[{}]}}}
    publish("65535:65535")
        {"ExposedPorts":{"65535/tcp":{}},"HostConfig":{"PortBindings":{"65535/tcp":[{"HostPort":"65535"}]}}}
    publish_all().expose(80).expose("90-91/udp").expose(String::from("1/tcp"))
        {"ExposedPorts":{"1/tcp":{},"80/tcp":{},"90/udp":{},"91/udp":{}},"HostConfig":{"PublishAllPorts":true}}
    "#);
}

#[test]
fn files() {
    insta::assert_snapshot!(lines! { sent;
        volume("/data");
        volume("data:/data");
        volume("/srv:/data:ro,z");
        volume(r"C:\srv:/data");
        volume(r"C:\srv:D:\data:ro");
        volume(r"D:\data");
        mount(Mount::bind("/srv", "/data"));
        mount(Mount::bind("/srv", "/data").read_only().propagation(Propagation::RShared));
        mount(Mount::bind("/srv", "/data").non_recursive().consistency("cached"));
        mount(Mount::bind("/srv", "/data").create_mountpoint());
        mount(Mount::bind("/srv", "/data").read_only().read_only_non_recursive());
        mount(Mount::bind("/srv", "/data").read_only().read_only_force_recursive());
        mount(Mount::volume("data", "/data").no_copy().label("a", "1"));
        mount(Mount::volume("data", "/data").driver("local").driver_option("type", "nfs"));
        mount(Mount::volume("data", "/data").subpath("a/b"));
        mount(Mount::anonymous_volume("/data"));
        mount(Mount::tmpfs("/data").size("1k").mode(0o700));
        mount(Mount::tmpfs("/data").size(0).mode(0));
        mount(Mount::image("busybox", "/data").subpath("a"));
        mount(Mount::npipe(r"\\.\pipe\a", r"C:\pipe"));
        tmpfs("/run").tmpfs("/tmp:size=1m,mode=1777");
        shm_size("128m");
        read_only();
        volumes_from("other:ro");
        volume_driver("local");
        storage_opt("size", "1G");
    }, @r#"
    volume("/data")
        {"Volumes":{"/data":{}}}
    volume("data:/data")
        {"HostConfig":{"Binds":["data:/data"]}}
    volume("/srv:/data:ro,z")
        {"HostConfig":{"Binds":["/srv:/data:ro,z"]}}
    volume(r"C:\srv:/data")
        {"HostConfig":{"Binds":["C:\\srv:/data"]}}
    volume(r"C:\srv:D:\data:ro")
        {"HostConfig":{"Binds":["C:\\srv:D:\\data:ro"]}}
    volume(r"D:\data")
        {"Volumes":{"D:\\data":{}}}
    mount(Mount::bind("/srv","/data"))
        {"HostConfig":{"Mounts":[{"Source":"/srv","Target":"/data","Type":"bind"}]}}
    mount(Mount::bind("/srv","/data").read_only().propagation(Propagation::RShared))
        {"HostConfig":{"Mounts":[{"BindOptions":{"Propagation":"rshared"},"ReadOnly":true,"Source":"/srv","Target":"/data","Type":"bind"}]}}
    mount(Mount::bind("/srv","/data").non_recursive().consistency("cached"))
        {"HostConfig":{"Mounts":[{"BindOptions":{"NonRecursive":true},"Consistency":"cached","Source":"/srv","Target":"/data","Type":"bind"}]}}
    mount(Mount::bind("/srv","/data").create_mountpoint())
        {"HostConfig":{"Mounts":[{"BindOptions":{"CreateMountpoint":true},"Source":"/srv","Target":"/data","Type":"bind"}]}} since 1.42: a bind mount that makes its source
    mount(Mount::bind("/srv","/data").read_only().read_only_non_recursive())
        {"HostConfig":{"Mounts":[{"BindOptions":{"ReadOnlyNonRecursive":true},"ReadOnly":true,"Source":"/srv","Target":"/data","Type":"bind"}]}} since 1.44: a mount that is read-only at its top
    mount(Mount::bind("/srv","/data").read_only().read_only_force_recursive())
        {"HostConfig":{"Mounts":[{"BindOptions":{"ReadOnlyForceRecursive":true},"ReadOnly":true,"Source":"/srv","Target":"/data","Type":"bind"}]}} since 1.44: a mount that is read-only all the way down
    mount(Mount::volume("data","/data").no_copy().label("a","1"))
        {"HostConfig":{"Mounts":[{"Source":"data","Target":"/data","Type":"volume","VolumeOptions":{"Labels":{"a":"1"},"NoCopy":true}}]}}
    mount(Mount::volume("data","/data").driver("local").driver_option("type","nfs"))
        {"HostConfig":{"Mounts":[{"Source":"data","Target":"/data","Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"nfs"}}}}]}}
    mount(Mount::volume("data","/data").subpath("a/b"))
        {"HostConfig":{"Mounts":[{"Source":"data","Target":"/data","Type":"volume","VolumeOptions":{"Subpath":"a/b"}}]}} since 1.45: a volume's subpath
    mount(Mount::anonymous_volume("/data"))
        {"HostConfig":{"Mounts":[{"Target":"/data","Type":"volume"}]}}
    mount(Mount::tmpfs("/data").size("1k").mode(0o700))
        {"HostConfig":{"Mounts":[{"Target":"/data","TmpfsOptions":{"Mode":448,"SizeBytes":1024},"Type":"tmpfs"}]}}
    mount(Mount::tmpfs("/data").size(0).mode(0))
        {"HostConfig":{"Mounts":[{"Target":"/data","TmpfsOptions":{"Mode":0,"SizeBytes":0},"Type":"tmpfs"}]}}
    mount(Mount::image("busybox","/data").subpath("a"))
        {"HostConfig":{"Mounts":[{"ImageOptions":{"Subpath":"a"},"Source":"busybox","Target":"/data","Type":"image"}]}} since 1.48: an image mount
    mount(Mount::npipe(r"\\.\pipe\a",r"C:\pipe"))
        {"HostConfig":{"Mounts":[{"Source":"\\\\.\\pipe\\a","Target":"C:\\pipe","Type":"npipe"}]}}
    tmpfs("/run").tmpfs("/tmp:size=1m,mode=1777")
        {"HostConfig":{"Tmpfs":{"/run":"","/tmp":"size=1m,mode=1777"}}}
    shm_size("128m")
        {"HostConfig":{"ShmSize":134217728}}
    read_only()
        {"HostConfig":{"ReadonlyRootfs":true}}
    volumes_from("other:ro")
        {"HostConfig":{"VolumesFrom":["other:ro"]}}
    volume_driver("local")
        {"HostConfig":{"VolumeDriver":"local"}}
    storage_opt("size","1G")
        {"HostConfig":{"StorageOpt":{"size":"1G"}}}
    "#);
}

#[test]
fn networks() {
    insta::assert_snapshot!(lines! { sent;
        network("host");
        network(String::from("container:web"));
        network("back").network_alias("a").network_alias("b");
        network("back").ip(Ipv4Addr::new(10, 0, 0, 9)).ip6("fd00::9").link_local_ip("169.254.1.2");
        network("back").mac_address("92:d0:c6:0a:29:33");
        network("back").link("db:alias");
        link("db:alias");
        network("bridge").link("db");
        mac_address("92-d0-c6-0a-29-33");
        network(Endpoint::new("back").alias("a").ip("10.0.0.9").driver_opt("k", "v"));
        network_alias("b").network(Endpoint::new("back").alias("a"));
        network("a").network(Endpoint::new("b").mac_address("92:d0:c6:0a:29:33")).ip("10.0.0.9");
        network(Endpoint::new("a").gw_priority(0));
        dns("1.1.1.1").dns(IpAddr::V4(Ipv4Addr::LOCALHOST));
        dns_search("example.com").dns_option("ndots:2");
        add_host("db", "10.0.0.1").add_host("me", "host-gateway").add_host("six", "::1");
    }, @r#"
    network("host")
        {"HostConfig":{"NetworkMode":"host"}}
    network(String::from("container:web"))
        {"HostConfig":{"NetworkMode":"container:web"}}
    network("back").network_alias("a").network_alias("b")
        {"HostConfig":{"NetworkMode":"back"},"NetworkingConfig":{"EndpointsConfig":{"back":{"Aliases":["a","b"]}}}}
    network("back").ip(Ipv4Addr::new(10,0,0,9)).ip6("fd00::9").link_local_ip("169.254.1.2")
        {"HostConfig":{"NetworkMode":"back"},"NetworkingConfig":{"EndpointsConfig":{"back":{"IPAMConfig":{"IPv4Address":"10.0.0.9","IPv6Address":"fd00::9","LinkLocalIPs":["169.254.1.2"]}}}}}
    network("back").mac_address("92:d0:c6:0a:29:33")
        {"HostConfig":{"NetworkMode":"back"},"MacAddress":"92:d0:c6:0a:29:33","NetworkingConfig":{"EndpointsConfig":{"back":{"MacAddress":"92:d0:c6:0a:29:33"}}}}
    network("back").link("db:alias")
        {"HostConfig":{"NetworkMode":"back"},"NetworkingConfig":{"EndpointsConfig":{"back":{"Links":["db:alias"]}}}}
    link("db:alias")
        {"HostConfig":{"Links":["db:alias"]}}
    network("bridge").link("db")
        {"HostConfig":{"Links":["db"],"NetworkMode":"bridge"}}
    mac_address("92-d0-c6-0a-29-33")
        {"MacAddress":"92-d0-c6-0a-29-33","NetworkingConfig":{"EndpointsConfig":{"default":{"MacAddress":"92-d0-c6-0a-29-33"}}}}
    network(Endpoint::new("back").alias("a").ip("10.0.0.9").driver_opt("k","v"))
        {"HostConfig":{"NetworkMode":"back"},"NetworkingConfig":{"EndpointsConfig":{"back":{"Aliases":["a"],"DriverOpts":{"k":"v"},"IPAMConfig":{"IPv4Address":"10.0.0.9"}}}}}
    network_alias("b").network(Endpoint::new("back").alias("a"))
        {"HostConfig":{"NetworkMode":"back"},"NetworkingConfig":{"EndpointsConfig":{"back":{"Aliases":["a","b"]}}}}
    network("a").network(Endpoint::new("b").mac_address("92:d0:c6:0a:29:33")).ip("10.0.0.9")
        {"HostConfig":{"NetworkMode":"a"},"NetworkingConfig":{"EndpointsConfig":{"a":{"IPAMConfig":{"IPv4Address":"10.0.0.9"}},"b":{"MacAddress":"92:d0:c6:0a:29:33"}}}} since 1.44: creation on several networks
    network(Endpoint::new("a").gw_priority(0))
        {"HostConfig":{"NetworkMode":"a"},"NetworkingConfig":{"EndpointsConfig":{"a":{"GwPriority":0}}}} since 1.48: a gateway priority
    dns("1.1.1.1").dns(IpAddr::V4(Ipv4Addr::LOCALHOST))
        {"HostConfig":{"Dns":["1.1.1.1","127.0.0.1"]}}
    dns_search("example.com").dns_option("ndots:2")
        {"HostConfig":{"DnsOptions":["ndots:2"],"DnsSearch":["example.com"]}}
    add_host("db","10.0.0.1").add_host("me","host-gateway").add_host("six","::1")
        {"HostConfig":{"ExtraHosts":["db:10.0.0.1","me:host-gateway","six:::1"]}}
    "#);
}

#[test]
fn resources() {
    insta::assert_snapshot!(lines! { sent;
        memory("512m").memory_swap("1g").memory_reservation("256m").memory_swappiness(0);
        memory(0).memory_swap("-1").kernel_memory(1024);
        memory(".5k");
        memory("1.k");
        cpus(1.5);
        cpus(0.1 + 0.2);
        cpus(0.0);
        cpu_shares(512).cpu_period(100_000).cpu_quota(-1);
        cpu_rt_period(1).cpu_rt_runtime(0);
        cpuset_cpus("0-2,7").cpuset_mems("0");
        pids_limit(-1);
        blkio_weight(0).blkio_weight_device("/dev/sda", 10);
        device_read_bps("/dev/sda", "1m").device_write_bps("/dev/sda", 0);
        device_read_iops("/dev/sda", 1).device_write_iops("/dev/sda", 2);
        ulimit("nofile", 1024, -1);
        oom_kill_disable().oom_score_adj(-1000);
    }, @r#"
    memory("512m").memory_swap("1g").memory_reservation("256m").memory_swappiness(0)
        {"HostConfig":{"Memory":536870912,"MemoryReservation":268435456,"MemorySwap":1073741824,"MemorySwappiness":0}}
    memory(0).memory_swap("-1").kernel_memory(1024)
        {"HostConfig":{"KernelMemory":1024,"Memory":0,"MemorySwap":-1}}
    memory(".5k")
        {"HostConfig":{"Memory":512}}
    memory("1.k")
        {"HostConfig":{"Memory":1024}}
    cpus(1.5)
        {"HostConfig":{"NanoCpus":1500000000}}
    cpus(0.1+0.2)
        {"HostConfig":{"NanoCpus":300000000}}
    cpus(0.0)
        {"HostConfig":{"NanoCpus":0}}
    cpu_shares(512).cpu_period(100_000).cpu_quota(-1)
        {"HostConfig":{"CpuPeriod":100000,"CpuQuota":-1,"CpuShares":512}}
    cpu_rt_period(1).cpu_rt_runtime(0)
        {"HostConfig":{"CpuRealtimePeriod":1,"CpuRealtimeRuntime":0}}
    cpuset_cpus("0-2,7").cpuset_mems("0")
        {"HostConfig":{"CpusetCpus":"0-2,7","CpusetMems":"0"}}
    pids_limit(-1)
        {"HostConfig":{"PidsLimit":-1}}
    blkio_weight(0).blkio_weight_device("/dev/sda",10)
        {"HostConfig":{"BlkioWeight":0,"BlkioWeightDevice":[{"Path":"/dev/sda","Weight":10}]}}
    device_read_bps("/dev/sda","1m").device_write_bps("/dev/sda",0)
        {"HostConfig":{"BlkioDeviceReadBps":[{"Path":"/dev/sda","Rate":1048576}],"BlkioDeviceWriteBps":[{"Path":"/dev/sda","Rate":0}]}}
    device_read_iops("/dev/sda",1).device_write_iops("/dev/sda",2)
        {"HostConfig":{"BlkioDeviceReadIOps":[{"Path":"/dev/sda","Rate":1}],"BlkioDeviceWriteIOps":[{"Path":"/dev/sda","Rate":2}]}}
    ulimit("nofile",1024,-1)
        {"HostConfig":{"Ulimits":[{"Hard":-1,"Name":"nofile","Soft":1024}]}}
    oom_kill_disable().oom_score_adj(-1000)
        {"HostConfig":{"OomKillDisable":true,"OomScoreAdj":-1000}}
    "#);
}

#[test]
fn rights_and_devices() {
    insta::assert_snapshot!(lines! { sent;
        privileged();
        cap_add("net_admin").cap_drop("all").cap_drop("CAP_CHOWN");
        security_opt("no-new-privileges");
        security_opt("systempaths=unconfined");
        ipc("host").pid("host").uts("host").userns("host").cgroupns("private");
        cgroup_parent("/a");
        device("/dev/a");
        device("/dev/a:/dev/b").device("/dev/a:r").device("/dev/a:/dev/b:mw");
        device_cgroup_rule("c 1:3 mr");
        gpus("all");
        gpus("2").gpus(0);
        gpus(DeviceRequest::ids(["0"]).driver("nvidia").capabilities(["gpu", "compute"]));
        gpus(DeviceRequest::all().capabilities(["utility"]).option("k", "v"));
        device_request(DeviceRequest::ids(["vendor.com/class=name"]).driver("cdi"));
        sysctl("net.core.somaxconn", "1024");
    }, @r#"
    privileged()
        {"HostConfig":{"Privileged":true}}
    cap_add("net_admin").cap_drop("all").cap_drop("CAP_CHOWN")
        {"HostConfig":{"CapAdd":["CAP_NET_ADMIN"],"CapDrop":["ALL","CAP_CHOWN"]}}
    security_opt("no-new-privileges")
        {"HostConfig":{"SecurityOpt":["no-new-privileges"]}}
    security_opt("systempaths=unconfined")
        {"HostConfig":{"MaskedPaths":[],"ReadonlyPaths":[]}}
    ipc("host").pid("host").uts("host").userns("host").cgroupns("private")
        {"HostConfig":{"CgroupnsMode":"private","IpcMode":"host","PidMode":"host","UTSMode":"host","UsernsMode":"host"}}
    cgroup_parent("/a")
        {"HostConfig":{"CgroupParent":"/a"}}
    device("/dev/a")
        {"HostConfig":{"Devices":[{"CgroupPermissions":"rwm","PathInContainer":"/dev/a","PathOnHost":"/dev/a"}]}}
    device("/dev/a:/dev/b").device("/dev/a:r").device("/dev/a:/dev/b:mw")
        {"HostConfig":{"Devices":[{"CgroupPermissions":"rwm","PathInContainer":"/dev/b","PathOnHost":"/dev/a"},{"CgroupPermissions":"r","PathInContainer":"/dev/a","PathOnHost":"/dev/a"},{"CgroupPermissions":"mw","PathInContainer":"/dev/b","PathOnHost":"/dev/a"}]}}
    device_cgroup_rule("c1:3mr")
        {"HostConfig":{"DeviceCgroupRules":["c 1:3 mr"]}}
    gpus("all")
        {"HostConfig":{"DeviceRequests":[{"Capabilities":[["gpu"]],"Count":-1}]}}
    gpus("2").gpus(0)
        {"HostConfig":{"DeviceRequests":[{"Capabilities":[["gpu"]],"Count":2},{"Capabilities":[["gpu"]],"Count":0}]}}
    gpus(DeviceRequest::ids(["0"]).driver("nvidia").capabilities(["gpu","compute"]))
        {"HostConfig":{"DeviceRequests":[{"Capabilities":[["gpu","compute"]],"DeviceIDs":["0"],"Driver":"nvidia"}]}}
    gpus(DeviceRequest::all().capabilities(["utility"]).option("k","v"))
        {"HostConfig":{"DeviceRequests":[{"Capabilities":[["utility","gpu"]],"Count":-1,"Options":{"k":"v"}}]}}
    device_request(DeviceRequest::ids(["vendor.com/class=name"]).driver("cdi"))
        {"HostConfig":{"DeviceRequests":[{"DeviceIDs":["vendor.com/class=name"],"Driver":"cdi"}]}}
    sysctl("net.core.somaxconn","1024")
        {"HostConfig":{"Sysctls":{"net.core.somaxconn":"1024"}}}
    "#);
}

#[test]
fn what_is_refused() {
    insta::assert_snapshot!(lines! { refusal;
        name("a/b");
        name("");
        cmd(["a\0b"]);
        entrypoint(["\0"]);
        env("", "secret");
        env("A=secret", "secret");
        env("A\0", "secret");
        env("A", "secret\0");
        env_remove("A=secret");
        label("", "1");
        label("a", "secret\0");
        workdir("srv");
        workdir("");
        user("");
        hostname("a\0");
        stop_signal("");
        stop_signal("QUIT;");
        platform("");
        rm().restart(RestartPolicy::Always);
        restart(RestartPolicy::OnFailure { max: Some(1) }).rm();
        healthcheck(Healthcheck::cmd(Vec::<String>::new()));
        healthcheck(Healthcheck::cmd(["a", "\0"]));
        healthcheck(Healthcheck::shell(""));
        healthcheck(Healthcheck::none().interval(Duration::from_micros(999)));
        healthcheck(Healthcheck::none().timeout(Duration::MAX));
        publish(0);
        publish("");
        publish("80/");
        publish("80/icmp");
        publish("80/tcp/udp");
        publish("0");
        publish("65536");
        publish("-1");
        publish("+80");
        publish("80-");
        publish("90-80");
        publish("8080-8081:80-82");
        publish("8080:");
        publish("a:80");
        publish("localhost:8080:80");
        publish("999.0.0.1:8080:80");
        publish("::1:8080:80");
        publish("[::1]");
        publish("[127.0.0.1]:8080:80");
        publish("[::1:8080:80");
        publish("1.1.1.1:1:2:3");
        publish("８０");
        expose("8080:80");
        expose("127.0.0.1::80");
        volume("");
        volume("data");
        volume("a:/b:ro:x");
        volume("a:/b:");
        volume(":/b");
        volume("./a:/b");
        volume("~/a:/b");
        volume("a/b:/c");
        volume("a:/b");
        volume("aa:b");
        volume("/a\0:/b");
        tmpfs("run");
        mount(Mount::bind("srv", "/data"));
        mount(Mount::bind("/srv", "data"));
        mount(Mount::volume("a/b", "/data"));
        mount(Mount::volume("ab", "/data").subpath("/a"));
        mount(Mount::volume("ab", "/data").subpath("a/../../b"));
        mount(Mount::tmpfs("/data").no_copy());
        mount(Mount::tmpfs("/data").size("big"));
        mount(Mount::tmpfs("/data").mode(0o10000));
        mount(Mount::volume("ab", "/data").propagation(Propagation::Private));
        mount(Mount::bind("/a", "/data").driver("local"));
        network("");
        network("a").network("a");
        network_alias("");
        ip("fd00::1");
        ip("10.0.0.256");
        ip6("10.0.0.1");
        mac_address("92:d0:c6:0a:29");
        mac_address("92:d0:c6:0a:29:3g");
        dns("example.com");
        add_host("a:b", "10.0.0.1");
        add_host("", "10.0.0.1");
        add_host("a", "nowhere");
        memory("");
        memory("lots");
        memory("1.5.1g");
        memory(".");
        memory(".g");
        memory("1x");
        memory("1gg");
        memory("-1");
        memory("1  g");
        memory("1e3");
        memory("9999999p");
        memory(u64::MAX);
        memory_swap("-2");
        shm_size("64 mb!");
        cpus(-1.0);
        cpus(f64::NAN);
        cpus(f64::INFINITY);
        blkio_weight(9);
        blkio_weight_device("sda", 100);
        device_read_bps("/dev/sda", "fast");
        memory_swappiness(101);
        oom_score_adj(1001);
        ulimit("", 1, 1);
        device("fuse");
        device("/dev/a:/dev/b:rx");
        device("/dev/a:/dev/b:rr");
        device("/dev/a:b");
        device("/dev/a:/dev/b:r:w");
        gpus("some");
        gpus(DeviceRequest::ids(Vec::<String>::new()));
        sysctl("", "1");
        cap_add("");
        memory("lots").cpus(-1.0).memory("1g");
    }, @r#"
    name("a/b")
        container name "a/b" must consist of ASCII letters, digits, '_', '.' and '-'
    name("")
        container name "" must not be empty
    cmd(["a\0b"])
        command "a\u{0}b" must not hold a NUL
    entrypoint(["\0"])
        entrypoint "\u{0}" must not hold a NUL
    env("","secret")
        env "" must have a name without '=', and no NUL in name or value
    env("A=secret","secret")
        env "A" must have a name without '=', and no NUL in name or value
    env("A\0","secret")
        env "A\u{0}" must have a name without '=', and no NUL in name or value
    env("A","secret\0")
        env "A" must have a name without '=', and no NUL in name or value
    env_remove("A=secret")
        env "A" must have a name without '=', and no NUL in name or value
    label("","1")
        label "" must not be empty
    label("a","secret\0")
        label "a" must not have a NUL in its value
    workdir("srv")
        working directory "srv" must be an absolute path
    workdir("")
        working directory "" must not be empty
    user("")
        user "" must not be empty
    hostname("a\0")
        hostname "a\u{0}" must not hold a NUL
    stop_signal("")
        stop signal "" must be a name or a number
    stop_signal("QUIT;")
        stop signal "QUIT;" must be a name or a number
    platform("")
        platform "" must not be empty
    rm().restart(RestartPolicy::Always)
        restart policy "always" cannot be had together with rm: a container is removed or restarted
    restart(RestartPolicy::OnFailure{max:Some(1)}).rm()
        restart policy "on-failure" cannot be had together with rm: a container is removed or restarted
    healthcheck(Healthcheck::cmd(Vec::<String>::new()))
        health check "" must begin with a program
    healthcheck(Healthcheck::cmd(["a","\0"]))
        health check "\u{0}" must not hold a NUL
    healthcheck(Healthcheck::shell(""))
        health check "" must not be empty
    healthcheck(Healthcheck::none().interval(Duration::from_micros(999)))
        health interval "999µs" must be zero, or 1 ms or more
    healthcheck(Healthcheck::none().timeout(Duration::MAX))
        health timeout "18446744073709551615.999999999s" must be less than 292 years
    publish(0)
        port "0" must have container ports from 1 to 65535
    publish("")
        port "" must have ports from 0 to 65535, or ranges of them
    publish("80/")
        port "80/" must have the protocol tcp, udp or sctp
    publish("80/icmp")
        port "80/icmp" must have the protocol tcp, udp or sctp
    publish("80/tcp/udp")
        port "80/tcp/udp" must have the protocol tcp, udp or sctp
    publish("0")
        port "0" must have container ports from 1 to 65535
    publish("65536")
        port "65536" must have ports from 0 to 65535, or ranges of them
    publish("-1")
        port "-1" must have ports from 0 to 65535, or ranges of them
    publish("+80")
        port "+80" must have ports from 0 to 65535, or ranges of them
    publish("80-")
        port "80-" must have ports from 0 to 65535, or ranges of them
    publish("90-80")
        port "90-80" must have ranges that begin at their lower end
    publish("8080-8081:80-82")
        port "8080-8081:80-82" must have ranges of one length
    publish("8080:")
        port "8080:" must have ports from 0 to 65535, or ranges of them
    publish("a:80")
        port "a:80" must have ports from 0 to 65535, or ranges of them
    publish("localhost:8080:80")
        port "localhost:8080:80" must have an IP address before the host's port
    publish("999.0.0.1:8080:80")
        port "999.0.0.1:8080:80" must have an IP address before the host's port
    publish("::1:8080:80")
        port "::1:8080:80" must have an IPv6 address in brackets, and a colon after it
    publish("[::1]")
        port "[::1]" must have an IPv6 address in brackets, and a colon after it
    publish("[127.0.0.1]:8080:80")
        port "[127.0.0.1]:8080:80" must have an IPv6 address in brackets, and a colon after it
    publish("[::1:8080:80")
        port "[::1:8080:80" must have an IPv6 address in brackets, and a colon after it
    publish("1.1.1.1:1:2:3")
        port "1.1.1.1:1:2:3" must have an IPv6 address in brackets, and a colon after it
    publish("８０")
        port "８０" must have ports from 0 to 65535, or ranges of them
    expose("8080:80")
        port to expose "8080:80/tcp" must not name the host's side
    expose("127.0.0.1::80")
        port to expose ":80/tcp" must not name the host's side
    volume("")
        volume "" must not be empty
    volume("data")
        volume "data" must have an absolute path in the container
    volume("a:/b:ro:x")
        volume "a:/b:ro:x" must have an absolute path in the container
    volume("a:/b:")
        volume "a:/b:" must not end in a colon
    volume(":/b")
        volume name "" must consist of two or more ASCII letters, digits, '_', '.' and '-', and begin with a letter or digit
    volume("./a:/b")
        volume "./a:/b" must have an absolute path on the host, or a volume's name
    volume("~/a:/b")
        volume "~/a:/b" must have an absolute path on the host, or a volume's name
    volume("a/b:/c")
        volume "a/b:/c" must have an absolute path on the host, or a volume's name
    volume("a:/b")
        volume "a:/b" must have a volume's name of two or more characters, or "\" behind a drive
    volume("aa:b")
        volume "aa:b" must have an absolute path in the container
    volume("/a\0:/b")
        volume "/a\u{0}:/b" must not hold a NUL
    tmpfs("run")
        tmpfs "run" must be an absolute path
    mount(Mount::bind("srv","/data"))
        mount source "srv" must be an absolute path
    mount(Mount::bind("/srv","data"))
        mount target "data" must be an absolute path
    mount(Mount::volume("a/b","/data"))
        volume name "a/b" must consist of two or more ASCII letters, digits, '_', '.' and '-', and begin with a letter or digit
    mount(Mount::volume("ab","/data").subpath("/a"))
        mount subpath "/a" must be a relative path without ".."
    mount(Mount::volume("ab","/data").subpath("a/../../b"))
        mount subpath "a/../../b" must be a relative path without ".."
    mount(Mount::tmpfs("/data").no_copy())
        mount option "no_copy" is not for a mount of type tmpfs
    mount(Mount::tmpfs("/data").size("big"))
        tmpfs size "big" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    mount(Mount::tmpfs("/data").mode(0o10000))
        tmpfs mode "4096" must lie between 0 and 4095
    mount(Mount::volume("ab","/data").propagation(Propagation::Private))
        mount option "propagation" is not for a mount of type volume
    mount(Mount::bind("/a","/data").driver("local"))
        mount option "driver" is not for a mount of type bind
    network("")
        network "" must not be empty
    network("a").network("a")
        network "a" must be named once only
    network_alias("")
        network alias "" must not be empty
    ip("fd00::1")
        network ip "fd00::1" must be an IPv4 address
    ip("10.0.0.256")
        network ip "10.0.0.256" must be an IPv4 address
    ip6("10.0.0.1")
        network ip6 "10.0.0.1" must be an IPv6 address
    mac_address("92:d0:c6:0a:29")
        mac address "92:d0:c6:0a:29" must be six bytes in hexadecimal, such as 92:d0:c6:0a:29:33
    mac_address("92:d0:c6:0a:29:3g")
        mac address "92:d0:c6:0a:29:3g" must be six bytes in hexadecimal, such as 92:d0:c6:0a:29:33
    dns("example.com")
        dns "example.com" must be an IP address
    add_host("a:b","10.0.0.1")
        host to add "a:b" must not hold a colon
    add_host("","10.0.0.1")
        host to add "" must not be empty
    add_host("a","nowhere")
        address of a host to add "nowhere" must be an IP address, or "host-gateway"
    memory("")
        memory "" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory("lots")
        memory "lots" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory("1.5.1g")
        memory "1.5.1g" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory(".")
        memory "." must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory(".g")
        memory ".g" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory("1x")
        memory "1x" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory("1gg")
        memory "1gg" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory("-1")
        memory "-1" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory("1g")
        memory "1  g" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory("1e3")
        memory "1e3" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory("9999999p")
        memory "9999999p" is more bytes than an engine can count
    memory(u64::MAX)
        memory "18446744073709551615" is more bytes than an engine can count
    memory_swap("-2")
        memory swap "-2" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    shm_size("64mb!")
        shm size "64 mb!" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    cpus(-1.0)
        cpus "-1" must be a number from 0 to 1000000
    cpus(f64::NAN)
        cpus "NaN" must be a number from 0 to 1000000
    cpus(f64::INFINITY)
        cpus "inf" must be a number from 0 to 1000000
    blkio_weight(9)
        blkio weight "9" must lie between 10 and 1000
    blkio_weight_device("sda",100)
        device "sda" must be an absolute path
    device_read_bps("/dev/sda","fast")
        device rate "fast" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    memory_swappiness(101)
        memory swappiness "101" must lie between 0 and 100
    oom_score_adj(1001)
        oom score "1001" must lie between -1000 and 1000
    ulimit("",1,1)
        ulimit "" must not be empty
    device("fuse")
        device "fuse" must be an absolute path
    device("/dev/a:/dev/b:rx")
        device "/dev/a:/dev/b:rx" must have permissions of the letters r, w and m, each once
    device("/dev/a:/dev/b:rr")
        device "/dev/a:/dev/b:rr" must have permissions of the letters r, w and m, each once
    device("/dev/a:b")
        device "b" must be an absolute path
    device("/dev/a:/dev/b:r:w")
        device "/dev/a:/dev/b:r:w" must be HOST, HOST:CONTAINER or HOST:CONTAINER:rwm
    gpus("some")
        devices "some" must be "all" or a number
    gpus(DeviceRequest::ids(Vec::<String>::new()))
        device ids "" must name at least one
    sysctl("","1")
        sysctl "" must not be empty
    cap_add("")
        capability "" must not be empty
    memory("lots").cpus(-1.0).memory("1g")
        memory "lots" must be a number of bytes with or without a unit, such as "512m" or "1.5g"
    "#);
}

#[test]
fn debug_shows_no_secret() {
    let spec = spec()
        .env("TOKEN", "hunter2")
        .log_opt("splunk-token", "hunter2")
        .mount(Mount::volume("data", "/data").driver_option("o", "password=hunter2"))
        .network(Endpoint::new("back").driver_opt("key", "hunter2"))
        .gpus(DeviceRequest::all().option("key", "hunter2"))
        .storage_opt("key", "hunter2")
        .env("A\0=hunter2", "hunter2")
        .label("a", "hunter2\0");
    let shown = format!("{spec:?} {spec:#?} {:?}", spec.call());
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(
        format!("{:?}", super::ContainerSpec::new("busybox").env("TOKEN", "hunter2").memory("1k")),
        @r#"ContainerSpec { image: busybox, name: None, config: Config { attach_stdout: true, attach_stderr: true, env: {"TOKEN"} }, host: HostConfig, resources: Resources { memory: Some(1024) }, networks: [], .. }"#
    );
}

#[test]
fn what_names_an_image_is_a_spec() {
    let name: crate::image::reference::ImageRef = "busybox".parse().unwrap();
    assert_eq!(ContainerSpec::from(&name), spec());
    assert_eq!(ContainerSpec::from(String::from("busybox")), spec());
    let error = ContainerSpec::new("Busy Box").name("x").call().unwrap_err();
    assert!(matches!(error, Error::ImageRef(_)), "{error}");
    assert!(error.to_string().starts_with("image reference \"Busy Box\" must"), "{error}");
    let error = refusal(&spec().mount(Mount::image("a:b:c", "/i")));
    assert!(error.starts_with("image to mount \"a:b:c\" must"), "{error}");
}

#[test]
fn specs_are_values() {
    let a = || spec().publish(80).env("A", "1").mount(Mount::tmpfs("/x"));
    assert_eq!(a(), a().clone());
    assert_ne!(a(), a().env("A", "2"));
    assert_ne!(spec(), spec().init(false));
}

proptest! {
    #[test]
    fn a_size_is_read_back(number in 0..=i64::MAX as u64 >> 50, unit in 0_usize..6) {
        let bytes = number << (10 * unit);
        let units = [["", "b", "B"], ["k", "KB", "kib"], ["m", "M", "MiB"], ["g", "GB", "Gib"],
            ["t", "T", "tb"], ["p", "P", "PiB"]];
        for (n, unit) in units[unit].iter().enumerate() {
            let space = if n == 2 && !unit.is_empty() { " " } else { "" };
            let size = ByteSize::from(format!("{number}{space}{unit}"));
            prop_assert_eq!(size.bytes("size"), Ok(bytes as i64));
        }
        prop_assert_eq!(ByteSize::from(bytes).bytes("size"), Ok(bytes as i64));
        prop_assert_eq!(ByteSize::from(bytes.to_string()).bytes("size"), Ok(bytes as i64));
    }

    #[test]
    fn a_fraction_is_cut_to_whole_bytes(whole in 0_u64..1000, part in 0_u32..1_000_000) {
        let size = ByteSize::from(format!("{whole}.{part:06}g")).bytes("size").unwrap();
        let exact = (u128::from(whole) * 1_000_000 + u128::from(part)) * (1 << 30) / 1_000_000;
        prop_assert_eq!(size as u128, exact);
    }

    #[test]
    fn ports_are_read_back(
        ip in proptest::option::of(any::<IpAddr>()),
        host in proptest::option::of((1_u16..60000, 0_u16..50)),
        container in 1_u16..60000,
        protocol in 0_usize..3,
    ) {
        let protocol = ["tcp", "udp", "sctp"][protocol];
        let many = host.map_or(0, |(_, many)| many);
        let mut text = match ip {
            Some(ip @ IpAddr::V6(_)) => format!("[{ip}]:"),
            Some(ip) => format!("{ip}:"),
            None => String::new(),
        };
        if let Some((first, many)) = host {
            write!(text, "{first}-{}", first + many).unwrap();
        }
        write!(text, ":{container}-{}/{protocol}", container + many).unwrap();
        let published = PortSpec::from(text).published().unwrap();
        prop_assert_eq!(published.len(), usize::from(many) + 1);
        for (n, (port, place)) in published.into_iter().enumerate() {
            prop_assert_eq!(port, format!("{}/{protocol}", container + n as u16));
            prop_assert_eq!(place.host_ip, ip.map(|ip| ip.to_string()));
            let host = host.map(|(first, _)| (first + n as u16).to_string());
            prop_assert_eq!(place.host_port, host);
        }
    }

    #[test]
    fn no_text_is_too_much(text in "\\PC*", like in "[\\[\\]0-9:./a-z~-]{0,24}") {
        for text in [text, like] {
            let _ = spec()
                .publish(text.as_str())
                .expose(text.as_str())
                .volume(text.as_str())
                .tmpfs(text.as_str())
                .device(text.as_str())
                .memory_swap(text.as_str())
                .mac_address(text.as_str())
                .gpus(text.as_str())
                .call();
        }
    }
}

#[test]
fn restart_policies_in_the_commands_words() {
    let read = |text: &str| text.parse::<RestartPolicy>();
    assert_eq!(read("no"), Ok(RestartPolicy::No));
    assert_eq!(read("always"), Ok(RestartPolicy::Always));
    assert_eq!(read("unless-stopped"), Ok(RestartPolicy::UnlessStopped));
    assert_eq!(read("on-failure"), Ok(RestartPolicy::OnFailure { max: None }));
    assert_eq!(read("on-failure:3"), Ok(RestartPolicy::OnFailure { max: Some(3) }));
    for text in ["", "No", "always:3", "on-failure:", "on-failure:-1", "on-failure:x"] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("restart policy \"{text}\" must be no, ")), "{error}");
    }
}
