//! Interleaved repetitions and medians of their ratios.
//!
//! What disturbs the machine for a while disturbs neighbours alike: so each repetition runs every
//! contender once, and what counts is the ratio within a repetition, never one time alone.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::count;

/// One way to do the work: does it `n` times.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    pub(crate) work: Box<dyn FnMut(u32) + 'a>,
    /// Whether the goals are set for it: they are not for what only shows where time goes.
    pub(crate) ours: bool,
}

impl<'a> Contender<'a> {
    /// One that others are compared with, or that is there to be looked at.
    pub(crate) fn other(name: &'static str, work: impl FnMut(u32) + 'a) -> Contender<'a> {
        Contender { name, work: Box::new(work), ours: false }
    }

    pub(crate) fn ours(name: &'static str, work: impl FnMut(u32) + 'a) -> Contender<'a> {
        Contender { name, work: Box::new(work), ours: true }
    }
}

/// What a ratio to the first contender may be, at most.
#[derive(Clone, Copy, Default)]
pub(crate) struct Goal {
    pub(crate) time: Option<f64>,
    /// For work in which the engine takes most of the time, and what we add shows only here.
    pub(crate) cpu: Option<f64>,
    pub(crate) allocations: Option<u64>,
}

/// How much measuring there is to be.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) repetitions: usize,
    /// How long one contender runs within a repetition, roughly.
    pub(crate) slice: Duration,
}

struct Sample {
    wall: f64,
    cpu: f64,
}

/// How far a goal may be missed before the check fails.
const SLACK: f64 = 1.25;

/// CPU time of this process, all threads, in seconds.
fn cpu() -> f64 {
    let t = clock_gettime(ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

fn sample(contender: &mut Contender<'_>, n: u32) -> Sample {
    let (wall, used) = (Instant::now(), cpu());
    (contender.work)(n);
    let (used, wall) = (cpu() - used, wall.elapsed().as_secs_f64());
    Sample { wall: wall / f64::from(n), cpu: used / f64::from(n) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn header() {
    println!(
        "{:<34} {:<18} {:>11} {:>7} {:>6} {:>8} {:>12} {:>11}",
        "work", "by", "time", "ratio", "goal", "CPU", "allocations", "bytes"
    );
}

/// Measure one row of the table and print it. Returns whether the goals are missed beyond the
/// slack. The first contender is what the others are compared with.
pub(crate) fn row(
    what: &str,
    goal: Goal,
    effort: Effort,
    contenders: &mut [Contender<'_>],
) -> bool {
    // Once to warm up and to find out how often fills a slice.
    let mut n = 1;
    for c in contenders.iter_mut() {
        (c.work)(1);
        let once = sample(c, 2).wall;
        n = n.max((effort.slice.as_secs_f64() / once).min(1e6) as u32);
    }
    let mut samples: Vec<Vec<Sample>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..effort.repetitions {
        for (c, samples) in contenders.iter_mut().zip(&mut samples) {
            samples.push(sample(c, n));
        }
    }
    let mut missed = false;
    for (at, c) in contenders.iter_mut().enumerate() {
        let ratio = |of: fn(&Sample) -> f64| {
            median(samples[at].iter().zip(&samples[0]).map(|(a, b)| of(a) / of(b)).collect())
        };
        let wall = median(samples[at].iter().map(|s| s.wall).collect());
        let (time, cpu) = (ratio(|s| s.wall), ratio(|s| s.cpu));
        // Many calls, so that what is done once in a while counts with its share.
        let count = n.clamp(1, 100);
        let (times, bytes) = count::during(|| (c.work)(count));
        let (times, bytes) = (times / u64::from(count), bytes / u64::from(count));
        let goal = if c.ours { goal } else { Goal::default() };
        let late = goal.time.is_some_and(|g| time > g * SLACK);
        let busy = goal.cpu.is_some_and(|g| cpu > g * SLACK);
        let fat = goal.allocations.is_some_and(|g| times as f64 > g as f64 * SLACK);
        missed |= late || busy || fat;
        println!(
            "{:<34} {:<18} {:>8.1} us {:>7.2} {:>6} {:>8.2} {:>12} {:>11}{}{}",
            if at == 0 { what } else { "" },
            c.name,
            wall * 1e6,
            time,
            goal.time.or(goal.cpu).map_or(String::new(), |g| format!("{g:.1}")),
            cpu,
            times,
            bytes,
            if late || busy { "  TOO SLOW" } else { "" },
            if fat { "  TOO MANY" } else { "" },
        );
    }
    missed
}

/// Measure what ours takes over another, in milliseconds, and print a row. Each is called in turn
/// with the other, and says itself how long the part took that counts. Returns whether the goal is
/// missed beyond the slack, and beyond what chance explains.
pub(crate) fn over(
    what: &str,
    goal: f64,
    times: usize,
    mut other: impl FnMut() -> Duration,
    mut ours: impl FnMut() -> Duration,
) -> bool {
    other();
    ours();
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for n in 0..times {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        // Who comes second may find the engine busy with what the first has left.
        pairs.push(match n % 2 {
            0 => (ms(other()), ms(ours())),
            _ => {
                let ours = ms(ours());
                (ms(other()), ours)
            }
        });
    }
    let other = median(pairs.iter().map(|pair| pair.0).collect());
    let ours = median(pairs.iter().map(|pair| pair.1).collect());
    let over = median(pairs.iter().map(|pair| pair.1 - pair.0).collect());
    // The median's standard error, by the median distance from it.
    let spread = median(pairs.iter().map(|pair| (pair.1 - pair.0 - over).abs()).collect());
    let error = 1.253 * 1.483 * spread / (times as f64).sqrt();
    let late = over - 2.0 * error > goal * SLACK;
    println!(
        "{what:<44} {other:>7.1} ms, ours {ours:>7.1} ms, over {over:>6.2} ± {error:<5.2} ms, goal {goal:>4.1}{}",
        if late { "  TOO SLOW" } else { "" },
    );
    late
}
