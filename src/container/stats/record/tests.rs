//! Records as engines give them.

use super::Stats;
use super::{BlockIo, NetworkIo};
use crate::wire;

/// Of Docker 20.10 with control groups of version 1, a busy loop; the kernel's account cut short.
const V1: &str = r#"
    { "read": "2026-11-25T00:24:52.725125506Z", "preread": "2026-11-25T00:24:51.722121697Z",
    "pids_stats": { "current": 1 }, "blkio_stats": { "io_service_bytes_recursive": [],
    "io_serviced_recursive": [], "io_queue_recursive": [], "io_service_time_recursive": [],
    "io_wait_time_recursive": [], "io_merged_recursive": [], "io_time_recursive": [],
    "sectors_recursive": [] }, "num_procs": 0, "storage_stats": {},
    "cpu_stats": { "cpu_usage": { "total_usage": 1324298847, "percpu_usage": [ 1315238410,
    9060437 ], "usage_in_kernelmode": 10000000, "usage_in_usermode": 1300000000 },
    "system_cpu_usage": 13604190000000, "online_cpus": 2, "throttling_data": { "periods": 0,
    "throttled_periods": 0, "throttled_time": 0 } },
    "precpu_stats": { "cpu_usage": { "total_usage": 661763646, "percpu_usage": [ 652703209,
    9060437 ], "usage_in_kernelmode": 10000000, "usage_in_usermode": 640000000 },
    "system_cpu_usage": 13602190000000, "online_cpus": 2, "throttling_data": { "periods": 0,
    "throttled_periods": 0, "throttled_time": 0 } }, "memory_stats": { "usage": 2969600,
    "max_usage": 4202496, "stats": { "cache": 2154496, "inactive_file": 16384,
    "total_inactive_file": 16384, "total_cache": 2154496,
    "hierarchical_memory_limit": 9223372036854771712 }, "limit": 25276502016 },
    "name": "/great_goodall",
    "id": "9629cf8d05543e501c2152766270c6f2163b46668b971409272837a301414302",
    "networks": { "eth0": { "rx_bytes": 1086, "rx_packets": 9, "rx_errors": 0, "rx_dropped": 0,
    "tx_bytes": 0, "tx_packets": 0, "tx_errors": 0, "tx_dropped": 0 } }
}
"#;

/// Written by the description of API 1.55, as with control groups of version 2.
const V2: &str = r#"{
    "id": "ede54ee1afda", "name": "web", "os_type": "linux",
    "read": "2026-01-16T13:55:22.165243637Z", "preread": "2026-01-16T13:55:21.160452595Z",
    "cpu_stats": {
        "cpu_usage": {"total_usage": 3000000, "usage_in_kernelmode": 1, "usage_in_usermode": 2},
        "system_cpu_usage": 50000000, "online_cpus": 4,
        "throttling_data": {"periods": 3, "throttled_periods": 2, "throttled_time": 1}
    },
    "precpu_stats": {
        "cpu_usage": {"total_usage": 1000000, "usage_in_kernelmode": 1, "usage_in_usermode": 2},
        "system_cpu_usage": 40000000, "online_cpus": 4
    },
    "memory_stats": {
        "usage": 8000000, "limit": 16000000,
        "stats": {"anon": 1572864, "file": 7626752, "inactive_file": 2000000}
    },
    "networks": {
        "eth0": {"rx_bytes": 5338, "rx_packets": 36, "tx_bytes": 648, "tx_dropped": 7},
        "eth5": {"rx_bytes": 4641, "rx_packets": 26, "tx_bytes": 690}
    },
    "pids_stats": {"current": 5, "limit": 18446744073709551615},
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"major": 254, "minor": 0, "op": "read", "value": 7593984},
            {"major": 254, "minor": 0, "op": "write", "value": 100},
            {"major": 8, "minor": 0, "op": "write", "value": 1}
        ],
        "io_serviced_recursive": null, "sectors_recursive": null
    },
    "num_procs": 0, "storage_stats": {}, "tomorrow": {"x": 1}
}"#;

/// Of Docker 20.10, of a container that does not run; removed ones leave the same behind.
const ZERO: &str = r#"{"read":"0001-01-01T00:00:00Z","preread":"0001-01-01T00:00:00Z",
    "pids_stats":{},"blkio_stats":{"io_service_bytes_recursive":null,"io_serviced_recursive":null},
    "num_procs":0,"storage_stats":{},"cpu_stats":{"cpu_usage":{"total_usage":0,
    "usage_in_kernelmode":0,"usage_in_usermode":0},"throttling_data":{"periods":0,
    "throttled_periods":0,"throttled_time":0}},"precpu_stats":{"cpu_usage":{"total_usage":0,
    "usage_in_kernelmode":0,"usage_in_usermode":0},"throttling_data":{"periods":0,
    "throttled_periods":0,"throttled_time":0}},"memory_stats":{},"name":"/gone","id":"1cb0"}"#;

fn read(json: &str) -> Stats {
    wire::from_slice(json.as_bytes()).unwrap()
}

fn near(value: Option<f64>, wanted: f64) -> bool {
    value.is_some_and(|v| (v - wanted).abs() < 1e-9)
}

#[test]
fn version_1() {
    let s = read(V1);
    assert_eq!(s.name, "great_goodall");
    assert_eq!(s.read.unwrap().to_string(), "2026-11-25T00:24:52.725125506Z");
    assert_eq!(s.preread.unwrap().subsec_nanos(), 722121697);
    // 662535201 of 2 s of two processors.
    assert!(near(s.cpu_percent(), 66.2535201), "{:?}", s.cpu_percent());
    let usage = 2969600 - 16384;
    assert_eq!(s.memory_usage(), Some(usage));
    assert!(near(s.memory_percent(), usage as f64 / 25276502016.0 * 100.0));
    assert_eq!((s.network_io(), s.pids.current), (NetworkIo { received: 1086, sent: 0 }, Some(1)));
    assert_eq!((s.block_io(), s.cpu.usage.per_cpu.len()), (BlockIo::default(), 2));
}

#[test]
fn version_2() {
    let s = read(V2);
    assert!(near(s.cpu_percent(), 80.0), "{:?}", s.cpu_percent());
    assert_eq!(s.memory_usage(), Some(6_000_000));
    assert!(near(s.memory_percent(), 37.5));
    assert_eq!(s.network_io(), NetworkIo { received: 9_979, sent: 1_338 });
    assert_eq!(s.block_io(), BlockIo { read: 7_593_984, written: 101 });
    assert_eq!((s.pids.limit, s.memory.max_usage), (Some(u64::MAX), None));
    assert_eq!((s.cpu.throttling.throttled_periods, s.networks["eth0"].tx_dropped), (2, 7));
}

#[test]
fn what_is_not_known_is_none() {
    let zero = read(ZERO);
    assert_eq!((zero.read, zero.preread), (None, None));
    for s in
        [&zero, &read("{}"), &read(r#"{"cpu_stats":null,"networks":null,"name":null,"id":null}"#)]
    {
        assert_eq!((s.cpu_percent(), s.memory_usage(), s.memory_percent()), (None, None, None));
        assert_eq!((s.network_io(), s.block_io()), (NetworkIo::default(), BlockIo::default()));
    }
    let known = read(V2);
    for change in [
        // The first of a stream; no time between the two; started anew; numbers that run backwards.
        |s: &mut Stats| s.precpu = Default::default(),
        |s: &mut Stats| s.precpu.system = Some(0),
        |s: &mut Stats| s.precpu.system = s.cpu.system,
        |s: &mut Stats| s.precpu.usage.total = s.cpu.usage.total + 1,
        |s: &mut Stats| s.cpu.system = Some(1),
        |s: &mut Stats| s.cpu.online_cpus = Some(0),
        |s: &mut Stats| s.cpu.online_cpus = None,
    ] {
        let mut s = known.clone();
        change(&mut s);
        assert_eq!(s.cpu_percent(), None);
    }
    let mut idle = known.clone();
    idle.precpu.usage.total = idle.cpu.usage.total;
    assert_eq!(idle.cpu_percent(), Some(0.0));
    idle.memory.stats.insert("total_inactive_file".into(), 1_000_000);
    assert_eq!(idle.memory_usage(), Some(7_000_000), "version 1 counts the children's too");
    idle.memory.limit = Some(0);
    assert_eq!(idle.memory_percent(), None);
}

#[test]
fn odd_values_cost_only_themselves() {
    let s = read(
        r#"{"read":7.5,"cpu_stats":{"cpu_usage":{"total_usage":-1,"percpu_usage":[1,"x"]},
        "system_cpu_usage":"much","online_cpus":2},"memory_stats":{"usage":10,"limit":20,
        "stats":{"total_inactive_file":10,"inactive_file":4,"x":-7,"y":null}},
        "networks":{"eth0":7,"eth1":{"rx_bytes":1,"tx_bytes":18446744073709551615},
        "eth2":{"tx_bytes":5}},"blkio_stats":{"io_service_bytes_recursive":
        [{"op":"Read","value":1},{"op":"Total","value":9},{"op":"","value":9},7]}}"#,
    );
    assert_eq!((s.read, s.cpu.online_cpus, s.cpu.usage.per_cpu.len()), (None, Some(2), 1));
    assert_eq!((s.memory_usage(), s.memory_percent()), (Some(6), Some(30.0)));
    assert_eq!(s.network_io(), NetworkIo { received: 1, sent: u64::MAX });
    assert_eq!(s.block_io(), BlockIo { read: 1, written: 0 });
}
