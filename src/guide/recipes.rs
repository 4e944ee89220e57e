//! The cookbook: each row is compiled, and printed as it stands here.

macro_rules! cookbook {
    (
        $(#[$about:meta])*
        given $given:tt
        $([$section:literal] $($docker:literal => { $($rust:tt)* })*)*
    ) => {
        $(#[$about])*
        $(
            #[doc = ""]
            #[doc = concat!("# ", $section)]
            #[doc = ""]
            #[doc = "<table><thead><tr><th>docker</th><th>bowline</th></tr></thead><tbody>"]
            $(
                #[doc = concat!(
                    "<tr><td><code>", $docker, "</code></td><td><code>",
                    stringify!($($rust)*), "</code></td></tr>"
                )]
            )*
            #[doc = "</tbody></table>"]
        )*
        pub mod cookbook {
            #![allow(unused_imports, dead_code, unused_variables, clippy::all)]
            use std::time::Duration;

            use crate::build::BuildContext;
            use crate::container::spec::{
                ByteSize, DeviceRequest, Endpoint, Healthcheck, Mount, PullPolicy, RestartPolicy,
            };
            use crate::container::{
                CommitOptions, Condition, Container, ContainerSpec, Created, Exited, Paused, Running,
                Status,
            };
            use crate::docker::Docker;
            use crate::error::Error;
            use crate::image::{Build, Image};
            use crate::network::{Network, NetworkSpec, Subnet};
            use crate::registry::Credentials;
            use crate::throwaway::{Ready, Subject};
            use crate::time::Timestamp;
            use crate::transport::DockerContext;
            use crate::volume::{Volume, VolumeSpec};

            $($(
                const _: () = {
                    async fn row $given -> Result<(), Box<dyn std::error::Error>> {
                        let _ = { $($rust)* };
                        Ok(())
                    }
                };
            )*)*
        }
    };
}

cookbook! {
    /// Find a docker command's Rust.
    ///
    /// In every row `docker` is a [`Docker`](crate::Docker), from
    /// [`Docker::connect`](crate::Docker::connect). The handles have these names: `web` is a running
    /// container, `made` a created one, `old` an exited one, `halted` a paused one, `image` an
    /// [`Image`](crate::Image), `net` a [`Network`](crate::Network), `vol` a
    /// [`Volume`](crate::Volume), `spec` a [`ContainerSpec`](crate::ContainerSpec) and `build` a
    /// [`Build`](crate::image::Build). All rows are compiled with the crate.
    ///
    /// A setter of `spec` is the same on `docker.run(..)`'s spec and on `docker.create(..)`'s.
    given (
        docker: Docker,
        web: Container<Running>,
        made: Container<Created>,
        old: Container<Exited>,
        halted: Container<Paused>,
        image: Image,
        net: Network,
        vol: Volume,
        spec: ContainerSpec,
        build: Build,
    )

    ["The engine"]
    "docker version" => { docker.version().await? }
    "docker info" => { docker.info().await? }
    "docker -H tcp://10.0.0.7:2375 version" => {
        Docker::connect().host("tcp://10.0.0.7:2375").await?.version().await?
    }
    "docker -H ssh://me@build version" => {
        Docker::connect().host("ssh://me@build").await?.version().await?
    }
    "docker -c staging ps" => { Docker::context("staging").await?.containers().await? }
    "docker context ls" => { DockerContext::list()? }
    "docker system df" => { docker.disk_usage().await? }
    "docker system df -v" => { docker.disk_usage().verbose().await? }
    "docker system prune" => { docker.prune().await? }
    "docker system prune -a --volumes" => { docker.prune().all().volumes().await? }
    "docker system events" => { let mut seen = docker.events().await?; seen.next().await }
    "docker login reg.example.com -u me" => {
        docker.login("reg.example.com", Credentials::password("me", "secret")).await?
    }

    ["Images"]
    "docker pull busybox" => { docker.pull("busybox").await? }
    "docker pull --all-tags busybox" => { docker.pull("busybox").all_tags().await? }
    "docker pull --platform linux/arm64 busybox" => {
        docker.pull("busybox").platform("linux/arm64").await?
    }
    "docker images" => { docker.images().await? }
    "docker images --all" => { docker.images().all().await? }
    "docker images --filter dangling=true" => { docker.images().dangling(true).await? }
    "docker images --filter reference='app:*'" => { docker.images().reference("app:*").await? }
    "docker images --filter label=team" => { docker.images().label("team").await? }
    "docker tag app app:v1" => { docker.image("app")?.tag("app:v1").await? }
    "docker rmi app:v1" => { docker.image("app:v1")?.remove().await? }
    "docker rmi --force app:v1" => { docker.image("app:v1")?.remove().force().await? }
    "docker rmi --no-prune app:v1" => { docker.image("app:v1")?.remove().no_prune().await? }
    "docker image inspect app" => { docker.image("app")?.inspect().await? }
    "docker history app" => { docker.image("app")?.history().await? }
    "docker push reg:5000/app:v1" => { docker.image("reg:5000/app:v1")?.push().await? }
    "docker push --all-tags reg:5000/app" => {
        docker.image("reg:5000/app")?.push().all_tags().await?
    }
    "docker search --limit 5 redis" => { docker.search("redis").limit(5).await? }
    "docker save -o two.tar app busybox" => {
        let mut file = tokio::fs::File::create("two.tar").await?;
        docker.save(["app", "busybox"]).await?.write_to(&mut file).await?
    }
    "docker load -i two.tar" => {
        docker.load(tokio::fs::File::open("two.tar").await?).await?
    }
    "docker import rootfs.tar base:v1" => {
        docker.import(tokio::fs::File::open("rootfs.tar").await?).name("base:v1").await?
    }
    "docker manifest inspect busybox" => { docker.distribution("busybox").await? }
    "docker image prune" => { docker.prune_images().await? }
    "docker image prune --all" => { docker.prune_images().all().await? }
    "docker image prune --filter until=24h" => { docker.prune_images().until("24h").await? }

    ["Building"]
    "docker build ." => { docker.build(".").await? }
    "docker build -t app:v2 ." => { docker.build(".").tag("app:v2").await? }
    "docker build -f other/Dockerfile ." => { build.dockerfile("other/Dockerfile").await? }
    "docker build --build-arg VERSION=2 ." => { build.build_arg("VERSION", "2").await? }
    "docker build --target test ." => { build.target("test").await? }
    "docker build --no-cache --pull ." => { build.no_cache().pull().await? }
    "docker build --label team=db ." => { build.label("team", "db").await? }
    "docker build --platform linux/arm64 ." => { build.platform("linux/arm64").await? }
    "docker build --cache-from app:v1 ." => { build.cache_from("app:v1").await? }
    "docker build --network host ." => { build.network("host").await? }
    "docker build --add-host db:10.0.0.9 ." => { build.add_host("db", "10.0.0.9").await? }
    "docker build --memory 512m --shm-size 64m ." => {
        build.memory("512m").shm_size("64m").await?
    }
    "docker build - < Dockerfile" => {
        docker.build(BuildContext::new().dockerfile_inline("FROM busybox\nRUN true")).await?
    }
    "docker build - < context.tar" => {
        docker.build(BuildContext::tar(tokio::fs::File::open("context.tar").await?)).await?
    }
    "docker build https://example.com/app.git" => {
        docker.build_remote("https://example.com/app.git").await?
    }
    "docker builder prune" => { docker.prune_build_cache().await? }

    ["Running"]
    "docker run busybox ls -la" => {
        docker.run(ContainerSpec::new("busybox").cmd(["ls", "-la"])).output().await?
    }
    "docker run --rm busybox true; echo $?" => {
        docker.run(ContainerSpec::new("busybox").cmd(["true"]).rm()).status().await?.code()
    }
    "docker run -d busybox httpd -f" => {
        docker.run(ContainerSpec::new("busybox").cmd(["httpd", "-f"])).spawn().await?
    }
    "docker create --name web busybox" => {
        docker.create(ContainerSpec::new("busybox").name("web")).await?
    }
    "docker create --pull never busybox" => {
        docker.create(ContainerSpec::new("busybox").pull(PullPolicy::Never)).await?
    }

    ["What a container is given"]
    "--name web" => { spec.name("web") }
    "--hostname db --domainname lan" => { spec.hostname("db").domainname("lan") }
    "-e A=1 -e B=2" => { spec.env("A", "1").env("B", "2") }
    "--entrypoint sh" => { spec.entrypoint(["sh"]) }
    "-w /srv" => { spec.workdir("/srv") }
    "-u 1000:1000 --group-add audio" => { spec.user("1000:1000").group_add("audio") }
    "-i" => { spec.interactive() }
    "-t" => { spec.tty() }
    "--init" => { spec.init(true) }
    "--rm" => { spec.rm() }
    "--label team=db" => { spec.label("team", "db") }
    "-p 8080:80" => { spec.publish("8080:80") }
    "-p 80" => { spec.publish(80) }
    "-p 127.0.0.1:53:53/udp" => { spec.publish("127.0.0.1:53:53/udp") }
    "-P" => { spec.publish_all() }
    "--expose 9000" => { spec.expose(9000) }
    "-v data:/var/lib/data" => { spec.volume("data:/var/lib/data") }
    "-v /srv/www:/www:ro" => { spec.volume("/srv/www:/www:ro") }
    "--mount type=bind,src=/srv/www,dst=/www,readonly" => {
        spec.mount(Mount::bind("/srv/www", "/www").read_only())
    }
    "--tmpfs /tmp:size=64m" => { spec.tmpfs("/tmp:size=64m") }
    "--volumes-from web" => { spec.volumes_from("web") }
    "--read-only" => { spec.read_only() }
    "--shm-size 64m" => { spec.shm_size("64m") }
    "--network back --network-alias db" => { spec.network("back").network_alias("db") }
    "--network back --ip 172.28.0.9" => { spec.network("back").ip("172.28.0.9") }
    "--network host" => { spec.network("host") }
    "--network back --network front" => { spec.network("back").network("front") }
    "--add-host api:10.0.0.7" => { spec.add_host("api", "10.0.0.7") }
    "--dns 10.0.0.2 --dns-search lan" => { spec.dns("10.0.0.2").dns_search("lan") }
    "--link old:db" => { spec.link("old:db") }
    "--mac-address 92:d0:c6:0a:29:33" => { spec.mac_address("92:d0:c6:0a:29:33") }
    "-m 512m --memory-swap 1g" => { spec.memory("512m").memory_swap("1g") }
    "--cpus 1.5" => { spec.cpus(1.5) }
    "--cpu-shares 512 --cpuset-cpus 0-1" => { spec.cpu_shares(512).cpuset_cpus("0-1") }
    "--pids-limit 100" => { spec.pids_limit(100) }
    "--ulimit nofile=1024:2048" => { spec.ulimit("nofile", 1024, 2048) }
    "--restart always" => { spec.restart(RestartPolicy::Always) }
    "--restart on-failure:3" => { spec.restart(RestartPolicy::OnFailure { max: Some(3) }) }
    "--stop-signal QUIT --stop-timeout 30" => {
        spec.stop_signal("QUIT").stop_timeout(Duration::from_secs(30))
    }
    "--health-cmd 'nc -z localhost 80' --health-interval 2s" => {
        let check = Healthcheck::shell("nc -z localhost 80").interval(Duration::from_secs(2));
        spec.healthcheck(check)
    }
    "--no-healthcheck" => { spec.healthcheck(Healthcheck::none()) }
    "--cap-add NET_ADMIN --cap-drop ALL" => { spec.cap_add("NET_ADMIN").cap_drop("ALL") }
    "--privileged" => { spec.privileged() }
    "--security-opt no-new-privileges" => { spec.security_opt("no-new-privileges") }
    "--device /dev/fuse" => { spec.device("/dev/fuse") }
    "--gpus all" => { spec.gpus(DeviceRequest::all()) }
    "--sysctl net.core.somaxconn=1024" => { spec.sysctl("net.core.somaxconn", "1024") }
    "--log-driver local --log-opt max-size=10m" => {
        spec.log_driver("local").log_opt("max-size", "10m")
    }
    "--platform linux/arm64" => { spec.platform("linux/arm64") }
    "--pid host --ipc host --uts host" => { spec.pid("host").ipc("host").uts("host") }
    "--runtime runsc" => { spec.runtime("runsc") }

    ["Finding"]
    "docker ps" => { docker.containers().await? }
    "docker ps -a" => { docker.containers().all().await? }
    "docker ps -n 3" => { docker.containers().last(3).await? }
    "docker ps -l" => { docker.containers().last(1).await? }
    "docker ps -s" => { docker.containers().size().await? }
    "docker ps -f status=exited" => { docker.containers().status(Status::Exited).await? }
    "docker ps -a -f exited=1" => { docker.containers().all().exited(1).await? }
    "docker ps -f name=web" => { docker.containers().name("web").await? }
    "docker ps -f label=team=db" => { docker.containers().label("team=db").await? }
    "docker ps -f ancestor=redis" => { docker.containers().ancestor("redis").await? }
    "docker ps -f health=healthy" => { docker.containers().health("healthy").await? }
    "docker ps -f network=back" => { docker.containers().network("back").await? }
    "docker ps -f volume=data" => { docker.containers().volume("data").await? }
    "docker ps -f publish=80" => { docker.containers().publish("80").await? }
    "docker inspect web" => { docker.container("web").await?.any() }
    "docker inspect web (whole)" => { web.inspect().await?.raw()? }
    "docker inspect -s web" => { web.inspect().size().await? }
    "docker port web 80" => { web.inspect().await?.host_port(80) }

    ["The life of one"]
    "docker start made" => { made.start().await? }
    "docker start 116 (a unique prefix)" => {
        docker.container("116").await?.exited()?.start().await?
    }
    "docker stop web" => { web.stop().await? }
    "docker stop -t 2 web" => { web.stop().time(Duration::from_secs(2)).await? }
    "docker kill web" => { web.kill().await? }
    "docker kill -s HUP web" => { web.kill().signal("HUP").await? }
    "docker restart web" => { web.restart().await? }
    "docker pause web" => { web.pause().await? }
    "docker unpause halted" => { halted.unpause().await? }
    "docker wait web" => { web.wait().await?.status().code() }
    "until it is healthy: no docker command does this" => {
        Ready::healthy().until(&Subject::new(&docker, &web, "web")).await?
    }
    "docker rename web www" => { web.rename("www").await? }
    "docker update -m 1g --restart no web" => {
        web.update().memory("1g").restart(RestartPolicy::No).await?
    }
    "docker rm old" => { old.remove().await? }
    "docker rm -f web" => { web.remove().force().await? }
    "docker rm -v old" => { old.remove().volumes().await? }
    "docker rm $(docker ps -aqf status=exited)" => {
        docker.containers().status(Status::Exited).remove().await?
    }
    "docker rm -f $(docker ps -aqf label=ci)" => {
        docker.containers().all().label("ci").remove().force().await?
    }
    "docker container prune" => { docker.prune_containers().await? }
    "docker container prune --filter until=24h" => {
        docker.prune_containers().until("24h").await?
    }
    "docker checkpoint create web warm" => { web.checkpoint("warm").await? }
    "docker start --checkpoint warm old" => { old.start().checkpoint("warm").await? }

    ["Inside"]
    "docker exec web ls /" => { web.exec(["ls", "/"]).await?.stdout }
    "docker exec web true; echo $?" => { web.exec(["true"]).status().await?.code() }
    "docker exec -e A=1 -u nobody -w /tmp web env" => {
        web.exec(["env"]).env("A", "1").user("nobody").workdir("/tmp").await?
    }
    "docker exec -d web sleep 60" => { web.exec(["sleep", "60"]).detach().await? }
    "docker exec --privileged web mount" => { web.exec(["mount"]).privileged().await? }
    "docker exec -i web sh < script" => {
        let mut session = web.exec(["sh"]).session().interactive().await?;
        tokio::io::AsyncWriteExt::write_all(session.stdin(), b"id\n").await?;
        session.close_stdin().await?;
        session.wait_with_output().await?
    }
    "docker attach web" => { let mut it = web.attach().await?; it.next().await }
    "docker top web" => { web.top().await? }
    "docker top web -o pid,comm" => { web.top().ps_args("-o pid,comm").await? }
    "docker stats web" => { let mut stats = web.stats().await?; stats.next().await }
    "docker stats --no-stream web" => { web.stats().once().await? }
    "docker diff web" => { web.changes().await? }
    "docker cp web:/etc/hosts ." => { web.copy_out("/etc/hosts", ".").await? }
    "docker cp site web:/www" => { web.copy_in("site", "/www").await? }
    "docker exec web cat /etc/hosts" => { web.read_file("/etc/hosts").await? }
    "docker export web" => { web.export().await? }

    ["The local terminal (feature terminal)"]
    "docker run -it --rm busybox sh" => {
        let shell = ContainerSpec::new("busybox").cmd(["sh"]).interactive().tty().rm();
        docker.run(shell).on_terminal().await?
    }
    "docker exec -it web sh" => { web.exec(["sh"]).tty().on_terminal().await? }
    "docker attach web (on it)" => { web.attach().on_terminal().await? }
    "docker start -ai old" => { old.start().on_terminal().await? }
    "--detach-keys ctrl-a,d" => { web.attach().on_terminal().detach_keys("ctrl-a,d").await? }

    ["Logs"]
    "docker logs web" => { web.logs().collect().await?.stdout }
    "docker logs -f web" => { let mut log = web.logs().follow().await?; log.next().await }
    "docker logs -n 20 web" => { web.logs().tail(20).collect().await? }
    "docker logs -t web" => {
        let mut lines = web.logs().timestamps().lines().await?;
        lines.next().await
    }
    "docker logs --details web" => { web.logs().details().lines().await? }
    "docker logs --since 2026-01-02T03:04:05Z web" => {
        web.logs().since("2026-01-02T03:04:05Z".parse()?).collect().await?
    }
    "docker logs web 2>/dev/null" => { web.logs().stdout().collect().await? }

    ["Images of one's own"]
    "docker commit web app:v1" => { web.commit("app:v1").await? }
    "docker commit -a me -m why web app:v1" => {
        web.commit(CommitOptions::new().name("app:v1").author("me").message("why")).await?
    }
    "docker commit -c 'CMD [\"serve\"]' web app:v1" => {
        web.commit(CommitOptions::new().name("app:v1").cmd(["serve"])).await?
    }
    "docker commit --pause=false web" => { web.commit(CommitOptions::new().no_pause()).await? }

    ["Networks"]
    "docker network create back" => { docker.create_network("back").await? }
    "docker network create --subnet 172.28.0.0/16 --gateway 172.28.0.1 back" => {
        let subnet = Subnet::new("172.28.0.0/16").gateway("172.28.0.1");
        docker.create_network(NetworkSpec::new("back").subnet(subnet)).await?
    }
    "docker network create --internal --attachable back" => {
        docker.create_network(NetworkSpec::new("back").internal().attachable()).await?
    }
    "docker network ls" => { docker.networks().await? }
    "docker network ls -f driver=bridge" => { docker.networks().driver("bridge").await? }
    "docker network inspect back" => { net.inspect().await? }
    "docker network connect --alias db back web" => { net.connect(&web).alias("db").await? }
    "docker network disconnect back web" => { net.disconnect(&web).await? }
    "docker network rm back" => { net.remove().await? }
    "docker network prune" => { docker.prune_networks().await? }

    ["Volumes"]
    "docker volume create data" => { docker.create_volume("data").await? }
    "docker volume create -d local -o type=tmpfs data" => {
        docker.create_volume(VolumeSpec::new("data").driver("local").opt("type", "tmpfs")).await?
    }
    "docker volume ls" => { docker.volumes().await? }
    "docker volume ls -f dangling=true" => { docker.volumes().dangling(true).await? }
    "docker volume inspect data" => { docker.volume("data")?.inspect().await? }
    "docker volume rm data" => { vol.remove().await? }
    "docker volume prune" => { docker.prune_volumes().await? }
    "docker volume prune --all" => { docker.prune_volumes().all().await? }

    ["Plugins, and whatever is left"]
    "docker plugin ls" => { docker.plugins().await? }
    "docker plugin install --grant-all-permissions me/disk" => {
        docker.install_plugin("me/disk").grant_all_permissions().await?
    }
    "docker plugin enable me/disk" => { docker.plugin("me/disk")?.enable().await? }
    "docker node ls (no verb here)" => {
        let nodes: serde_json::Value = docker.raw("GET", "/nodes").await?.json().await?;
        nodes
    }

    ["For tests: no docker command does this"]
    "a database, gone with its test" => {
        docker.throwaway("redis:7").publish(6379).ready(Ready::port(6379)).await?.addr(6379)?
    }
    "a network, gone with its test" => { docker.throwaway_network().await?.name().to_owned() }
    "a volume, gone with its test" => { docker.throwaway_volume().await?.name().to_owned() }
    "an image, gone with its test" => {
        docker.throwaway_image(docker.build("tests/app")).await?.name().clone()
    }
    "files before it starts" => {
        docker.throwaway("nginx").copy_in("tests/site/.", "/usr/share/nginx/html").await?
    }
}
