//! A whole recording: its muscles side by side on threads, its hash beside them, then scores.

use crate::c3d::{Channel, Recording, Role};
use crate::conditioning::SHORTEST_SEGMENT;
use crate::error::AnalysisError;
use crate::faults::Fault;
use crate::hashing::Hashing;
use crate::method::Method;
use crate::methods::{methods, reference_methods};
use crate::muscle::{Assessed, Context, Examined, MuscleChannels};
use crate::options::{bad_option, check_rate};
use crate::profile::Profile;
use crate::scores::score;
use crate::standard::LEAST_USABLE_S;
use crate::summary::{FaultRow, Muscle, Provenance, SCHEMA, Summary};
use crate::workspace::with_workspace;
use fearless_simd::Level;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const MINIMUM_SAMPLES: usize = 1000;
const MINIMUM_S: f64 = 10.0;

/// Where to compute. The summary does not depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    pub level: Level,
    pub threads: usize,
}

impl Machine {
    /// The best the processor has, on all cores this process may use.
    pub fn detected() -> Self {
        static DETECTED: LazyLock<Machine> = LazyLock::new(|| Machine {
            level: Level::new(),
            threads: thread::available_parallelism().map_or(1, std::num::NonZero::get),
        });
        *DETECTED
    }
}

/// Analyses a whole recording. `sha256` is computed unless the caller knows it already.
pub fn analyze(
    data: &[u8],
    recording: &Recording,
    sha256: Option<&str>,
    profile: &Profile,
    machine: Machine,
) -> Result<Summary, AnalysisError> {
    let muscles = muscles(&recording.metadata.channels);
    check(recording, &muscles, profile)?;
    let context = Context {
        level: machine.level,
        recording,
        frames: recording.layout.frames_of(data),
        options: &profile.options,
        sample_rate_hz: recording.metadata.sample_rate_hz.unwrap_or(f64::NAN),
        samples: recording.metadata.samples_per_channel,
    };
    let hashing = Hashing::of(if sha256.is_none() { data } else { &[] });
    let assess = |index: usize| with_workspace(|workspace| context.assess(&muscles[index], workspace));
    let assessed = side_by_side(machine.threads, data.len(), &hashing, muscles.len(), assess);
    let sha256 = sha256.map_or_else(|| hashing.finish(), str::to_owned);
    Ok(summarize(&context, profile, sha256, assessed))
}

/// Muscles in the order of their raw channels. Of several channels of one name each is a muscle, told apart by number.
fn muscles(channels: &[Channel]) -> Vec<MuscleChannels> {
    let (raw, activated) = (by_muscle(channels, Role::Raw), by_muscle(channels, Role::Activated));
    let mut found = Vec::new();
    for (muscle, numbers) in raw {
        let activated = activated.get(muscle).map_or(&[][..], Vec::as_slice);
        for (same, raw) in numbers.into_iter().enumerate() {
            let name = if same == 0 { muscle.to_owned() } else { format!("{muscle} ({})", same + 1) };
            found.push(MuscleChannels { name, raw, activated: activated.get(same).copied() });
        }
    }
    found.sort_by_key(|muscle| muscle.raw);
    found
}

fn by_muscle(channels: &[Channel], role: Role) -> BTreeMap<&str, Vec<usize>> {
    let mut numbers = BTreeMap::<&str, Vec<usize>>::new();
    for (number, channel) in channels.iter().enumerate().filter(|(_, channel)| channel.role == role) {
        numbers.entry(channel.muscle.as_deref().unwrap_or_default()).or_default().push(number);
    }
    numbers
}

fn check(recording: &Recording, muscles: &[MuscleChannels], profile: &Profile) -> Result<(), AnalysisError> {
    let metadata = &recording.metadata;
    let (samples, duration_s) = (metadata.samples_per_channel, metadata.duration_s);
    if muscles.is_empty() {
        return Err(AnalysisError::NoEmgChannel { channels: metadata.channels.len() });
    }
    let (minimum_samples, minimum_s) = match profile.options.method {
        Method::Ghostly(_) => (MINIMUM_SAMPLES, MINIMUM_S),
        Method::Standard(_) => (SHORTEST_SEGMENT, LEAST_USABLE_S),
    };
    if samples < minimum_samples || duration_s.is_none_or(|seconds| seconds < minimum_s) {
        return Err(AnalysisError::TooShort { samples, duration_s, minimum_samples, minimum_s });
    }
    let own = Profile::named(&profile.name)?.options;
    check_rate(&profile.options, &own, metadata.sample_rate_hz.unwrap_or(f64::NAN))?;
    let is_muscle = |name: &str| muscles.iter().any(|muscle| muscle.name == name);
    match profile.options.mvc_nanovolts.keys().find(|name| !is_muscle(name)) {
        Some(name) => Err(bad_option("mvc_nanovolts", name, format!("the muscles are {}", names(muscles)))),
        None => Ok(()),
    }
}

fn names(muscles: &[MuscleChannels]) -> String {
    muscles.iter().map(|muscle| muscle.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Runs `count` tasks and the hash, on threads that live no longer than this call: nothing is left to hang after a fork.
/// Where the system refuses a thread, this one does the work. A thread that finds no task left goes on with the hash. Where
/// the tasks go evenly into the threads, one of them hashes half before its tasks, so that all end at about the same time;
/// elsewhere it hashes all.
fn side_by_side<T: Send>(
    threads: usize,
    bytes: usize,
    hashing: &Hashing,
    count: usize,
    task: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = |ahead: usize| {
        hashing.go_on(ahead);
        let indices = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < count));
        let done: Vec<_> = indices.map(|index| (index, task(index))).collect();
        hashing.go_on(usize::MAX);
        done
    };
    let work = &work;
    let threads = threads.clamp(1, count + 1);
    let ahead = if count.is_multiple_of(threads) { bytes / 2 } else { bytes };
    let mut done = thread::scope(|scope| {
        let helper = |number: usize| {
            let ahead = if number == 1 { ahead } else { 0 };
            thread::Builder::new().spawn_scoped(scope, move || work(ahead)).ok()
        };
        let helpers: Vec<_> = (1..threads).filter_map(helper).collect();
        let mut done = work(0);
        done.extend(helpers.into_iter().flat_map(joined));
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

fn joined<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn summarize(context: &Context, profile: &Profile, sha256: String, assessed: Vec<Assessed>) -> Summary {
    let (muscles, examined): (Vec<Muscle>, Vec<_>) = assessed.into_iter().unzip();
    let mut examined: Vec<Examined> = examined.into_iter().flatten().collect();
    examined.sort_by_key(|examined| examined.channel);
    let mut recording = context.recording.metadata.clone();
    recording.sha256 = Some(sha256.clone());
    let contractions: Vec<_> = muscles.iter().map(|m| (m.name.as_str(), m.contraction_summary.as_ref())).collect();
    let faults = fault_rows(&examined, context.sample_rate_hz);
    let used = reference_methods(&muscles);
    let summary = Summary {
        schema: SCHEMA,
        scores: score(&contractions, recording.game.score, &profile.options),
        recording,
        profile: profile.clone(),
        channels: examined.into_iter().map(|examined| examined.report).collect(),
        faults: Vec::new(),
        faults_not_listed: 0,
        muscles,
        methods: methods(context, &used),
        provenance: Provenance {
            sha256,
            profile: profile.name.clone(),
            profile_digest: profile.digest.clone(),
            core_version: env!("CARGO_PKG_VERSION"),
        },
    };
    summary.with_faults(faults)
}

/// All faults, in order of channel and time.
fn fault_rows(examined: &[Examined], sample_rate_hz: f64) -> Vec<FaultRow> {
    let seconds = |sample: usize| libm::round(sample as f64 / sample_rate_hz * 1e6) / 1e6;
    let row = |of: &Examined, fault: &Fault| FaultRow {
        channel: of.report.name.clone(),
        kind: fault.kind,
        start_sample: fault.start,
        end_sample: fault.end,
        start_s: seconds(fault.start),
        end_s: seconds(fault.end),
    };
    examined.iter().flat_map(|of| of.faults.iter().map(move |fault| row(of, fault))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashing::sha256_hex;

    fn channel(muscle: &str, role: Role) -> Channel {
        Channel { name: String::new(), unit: None, muscle: Some(muscle.to_owned()), role }
    }

    #[test]
    fn channels_of_one_name_are_paired_in_their_order() {
        let roles =
            [("B", Role::Raw), ("A", Role::Raw), ("A", Role::Activated), ("A", Role::Raw), ("A", Role::Activated)];
        let channels = roles.map(|(muscle, role)| channel(muscle, role));
        let found = muscles(&channels);
        let expected = [("B", 0, None), ("A", 1, Some(2)), ("A (2)", 3, Some(4))];
        let told: Vec<_> = found.iter().map(|m| (m.name.as_str(), m.raw, m.activated)).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn as_many_channels_of_one_name_as_a_header_can_claim_take_no_time() {
        assert_eq!(muscles(&vec![channel("EMG", Role::Raw); 65_535]).len(), 65_535);
    }

    #[test]
    fn tasks_keep_their_order_whatever_the_threads() {
        for threads in [1, 2, 7] {
            let (data, hashing) = ([7; 100], Hashing::of(&[7; 100]));
            assert_eq!(side_by_side(threads, data.len(), &hashing, 5, |index| index * index), [0, 1, 4, 9, 16]);
            assert_eq!(hashing.finish(), sha256_hex(&data));
        }
    }
}
