//! One muscle: from the bytes of its channels to its part of the summary.

use crate::c3d::Recording;
use crate::contraction::{self, ContractionSummary, Span};
use crate::envelope::{self, EnvelopeDesign};
use crate::filter::PADDING;
use crate::options::Options;
use crate::quantile::quantile;
use crate::spectrum::{Moments, Spectral};
use crate::statistics::{self, Sums, spread};
use crate::summary::{Amplitude, ChannelReport, Muscle, Reason, Reference, ReferenceMethod, Verdict, Windows};
use crate::welch;
use crate::workspace::Workspace;
use fearless_simd::Level;

/// A signal that varies less has no spectrum.
const LEAST_STD_VOLTS: f64 = 1e-10;
pub const MAXIMUM_S: f64 = 600.0;
const REFERENCE_QUANTILE: f64 = 0.95;

/// The channels that measure a muscle, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuscleChannels {
    pub name: String,
    pub raw: usize,
    pub activated: Option<usize>,
}

/// What all muscles of a recording share.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub level: Level,
    pub recording: &'a Recording,
    pub frames: &'a [u8],
    pub options: &'a Options,
    pub sample_rate_hz: f64,
    pub samples: usize,
}

/// A muscle and the reports on its channels, with their numbers.
pub type Assessed = (Muscle, Vec<(usize, ChannelReport)>);

struct Timing {
    threshold: f64,
    spans: Vec<Span>,
}

impl Context<'_> {
    /// The `activated` channel goes first through the workspace, then the raw one; a muscle with an unusable channel is skipped.
    pub fn assess(&self, channels: &MuscleChannels, workspace: &mut Workspace) -> Assessed {
        let activated = channels.activated.map(|channel| self.time_by_activated(channel, workspace));
        self.load(channels.raw, PADDING, workspace);
        let (halves, raw) = self.examine(channels.raw, &workspace.signal[envelope::inner(self.samples)], true);
        let (timing, activated) = activated.unzip();
        let mut muscle = self.unassessed(channels);
        let reports: Vec<_> =
            [Some((channels.raw, raw)), channels.activated.zip(activated)].into_iter().flatten().collect();
        muscle.skipped = reports.iter().find_map(|(_, report)| report.reasons.first().map(Reason::word));
        if let (None, Some(design)) = (muscle.skipped, self.design()) {
            self.unfiltered(&halves, workspace, &mut muscle);
            envelope::envelope_in(self.level, workspace, &design);
            self.contractions(timing.flatten(), workspace, &mut muscle);
        }
        (muscle, reports)
    }

    fn design(&self) -> Option<EnvelopeDesign> {
        EnvelopeDesign::new(self.sample_rate_hz, self.options)
    }

    fn name(&self, channel: usize) -> String {
        self.recording.metadata.channels[channel].name.clone()
    }

    fn unassessed(&self, channels: &MuscleChannels) -> Muscle {
        Muscle {
            name: channels.name.clone(),
            raw_channel: self.name(channels.raw),
            timing_channel: self.name(channels.activated.unwrap_or(channels.raw)),
            timing_lag_ms: None,
            skipped: None,
            amplitude: None,
            spectrum: None,
            windows: None,
            reference: None,
            detection_threshold_volts: None,
            contractions: Vec::new(),
            contraction_summary: None,
        }
    }

    /// Puts one channel, in volts, into the workspace with room for `padding` samples on both sides.
    fn load(&self, channel: usize, padding: usize, workspace: &mut Workspace) {
        // Room for the padding is made at once: growing later would move everything.
        workspace.signal.reserve_exact((self.samples + 2 * PADDING).saturating_sub(workspace.signal.len()));
        workspace.signal.resize(self.samples + 2 * padding, 0.0);
        let scale = self.recording.metadata.channels[channel].volts_per_unit();
        let samples = &mut workspace.signal[padding..padding + self.samples];
        self.recording.decode_scaled(self.frames, channel, scale, samples);
    }

    fn window_samples(&self) -> usize {
        envelope::window_samples(1000, self.sample_rate_hz).max(2)
    }

    /// Sums over half windows, and the report on the channel. An `activated` channel may be flat: no contraction is no fault.
    fn examine(&self, channel: usize, signal: &[f64], is_raw: bool) -> (Vec<Sums>, ChannelReport) {
        let halves = statistics::block_sums(self.level, signal, self.window_samples() / 2);
        let all = total(&halves);
        let (low, high) = statistics::extremes(self.level, signal);
        let reasons = if !all.squares.is_finite() {
            vec![Reason::NonFinite]
        } else if is_raw {
            self.reasons(signal, high - low)
        } else {
            Vec::new()
        };
        (halves, self.report(channel, &all, (low, high), reasons))
    }

    fn reasons(&self, signal: &[f64], range: f64) -> Vec<Reason> {
        let duration_s = self.samples as f64 / self.sample_rate_hz;
        let (sample_rate_hz, high_pass_hz) = (self.sample_rate_hz, self.options.high_pass_hz);
        let found = [
            (duration_s > MAXIMUM_S).then_some(Reason::TooLong { duration_s, maximum_s: MAXIMUM_S }),
            self.design().is_none().then_some(Reason::SampleRateTooLow { sample_rate_hz, high_pass_hz }),
            (!statistics::deviates(signal, range, LEAST_STD_VOLTS))
                .then_some(Reason::Flat { std_below_volts: LEAST_STD_VOLTS }),
        ];
        found.into_iter().flatten().collect()
    }

    fn report(&self, channel: usize, all: &Sums, (low, high): (f64, f64), reasons: Vec<Reason>) -> ChannelReport {
        let usable = reasons.is_empty();
        let finite = |volts: f64| volts.is_finite().then_some(volts + 0.0);
        ChannelReport {
            name: self.name(channel),
            verdict: if usable { Verdict::Usable } else { Verdict::Unusable },
            reasons,
            usable_s: if usable { self.samples as f64 / self.sample_rate_hz } else { 0.0 },
            usable_fraction: if usable { 1.0 } else { 0.0 },
            dc_offset_volts: finite(all.mean()),
            mains_ratio: None,
            minimum_volts: finite(low),
            maximum_volts: finite(high),
        }
    }

    fn time_by_activated(&self, channel: usize, workspace: &mut Workspace) -> (Option<Timing>, ChannelReport) {
        self.load(channel, 0, workspace);
        let (_, report) = self.examine(channel, &workspace.signal, false);
        let usable = report.verdict == Verdict::Usable;
        (usable.then(|| self.time(self.options.threshold_activated_permille, workspace)), report)
    }

    /// Smooths the signal in the workspace and finds where it is above a share of its maximum.
    fn time(&self, threshold_permille: u32, workspace: &mut Workspace) -> Timing {
        envelope::smooth_magnitude(self.level, workspace, self.options.smoothing_samples as usize);
        let (_, most) = statistics::extremes(self.level, &workspace.signal);
        let threshold = most * (f64::from(threshold_permille) / 1000.0);
        let spans = contraction::detect(self.level, &workspace.signal, threshold, self.sample_rate_hz, self.options);
        Timing { threshold, spans }
    }

    /// Amplitude and spectra of the signal as recorded, whole and in windows of one second, half overlapping.
    fn unfiltered(&self, halves: &[Sums], workspace: &Workspace, muscle: &mut Muscle) {
        let signal = &workspace.signal[envelope::inner(self.samples)];
        let (all, moments) = (total(halves), Moments::new(self.sample_rate_hz));
        muscle.amplitude = Some(Amplitude {
            rms_volts: all.root_mean_square(),
            mav_volts: all.mean_magnitude(),
            iemg_volt_seconds: all.magnitudes / self.sample_rate_hz,
        });
        muscle.spectrum = welch::whole(self.level, signal).and_then(|power| moments.spectral(&power));
        muscle.windows = Some(self.windows(signal, halves, &moments));
    }

    fn windows(&self, signal: &[f64], halves: &[Sums], moments: &Moments) -> Windows {
        let (window, step) = (self.window_samples(), self.window_samples() / 2);
        let sums = window_sums(signal, halves, window);
        let varies = |index: usize| varies(&sums[index], &signal[index * step..index * step + window]);
        let spectra = welch::windows(self.level, signal, window, step);
        let spectra = spectra.iter().enumerate().filter(|(index, _)| varies(*index));
        let spectral: Vec<Spectral> = spectra.filter_map(|(_, power)| moments.spectral(power)).collect();
        let amplitude = |metric: fn(&Sums) -> f64| spread(&sums.iter().map(metric).collect::<Vec<_>>());
        let frequency = |metric: fn(&Spectral) -> f64| spread(&spectral.iter().map(metric).collect::<Vec<_>>());
        Windows {
            rms_volts: amplitude(Sums::root_mean_square),
            mav_volts: amplitude(Sums::mean_magnitude),
            mpf_hz: frequency(|s| s.mpf_hz),
            mdf_hz: frequency(|s| s.mdf_hz),
            fi_nsm5: frequency(|s| s.fi_nsm5),
        }
    }

    /// Reference, timing where it is not known yet, and contractions from the envelope in the workspace.
    fn contractions(&self, timing: Option<Timing>, workspace: &mut Workspace, muscle: &mut Muscle) {
        let envelope = &workspace.signal[envelope::inner(self.samples)];
        let reference = self.reference(&muscle.name, envelope, workspace.rows.rows.as_flattened_mut());
        let timing = timing.unwrap_or_else(|| self.time_by_envelope(envelope));
        let (rate, threshold) = (self.sample_rate_hz, reference.threshold_volts);
        muscle.contractions = contraction::describe(&timing.spans, envelope, rate, threshold, self.options);
        muscle.contraction_summary = Some(ContractionSummary::of(&muscle.contractions));
        muscle.detection_threshold_volts = Some(timing.threshold);
        muscle.reference = Some(reference);
    }

    fn time_by_envelope(&self, envelope: &[f64]) -> Timing {
        crate::workspace::with_workspace(|workspace| {
            workspace.signal.clear();
            workspace.signal.extend_from_slice(envelope);
            self.time(self.options.threshold_envelope_permille, workspace)
        })
    }

    fn reference(&self, muscle: &str, envelope: &[f64], spare: &mut [f64]) -> Reference {
        let (method, volts) = match self.options.mvc_nanovolts.get(muscle) {
            Some(nanovolts) => (ReferenceMethod::Provided, *nanovolts as f64 / 1e9),
            None => (ReferenceMethod::InTaskP95, quantile(envelope, REFERENCE_QUANTILE, spare)),
        };
        let share = f64::from(self.options.mvc_threshold_percent) / 100.0;
        Reference { method, volts, threshold_volts: volts * share }
    }
}

fn total(blocks: &[Sums]) -> Sums {
    blocks.iter().fold(Sums::default(), |sum, block| sum + *block)
}

/// Sums of whole windows from sums of their halves; an odd window has one sample more than its halves.
fn window_sums(signal: &[f64], halves: &[Sums], window: usize) -> Vec<Sums> {
    let step = window / 2;
    let count = signal.len().checked_sub(window).map_or(0, |rest| rest / step + 1);
    let odd = |index: usize| if window % 2 == 1 { one(signal[index * step + window - 1]) } else { Sums::default() };
    let pairs = halves.windows(2).enumerate().take(count);
    pairs.map(|(index, pair)| pair[0] + pair[1] + odd(index)).collect()
}

fn one(value: f64) -> Sums {
    Sums { count: 1, values: value, magnitudes: value.abs(), squares: value * value }
}

/// Whether a window varies enough for a spectrum. The sums tell unless their difference is mostly rounding.
fn varies(sums: &Sums, window: &[f64]) -> bool {
    let variance = sums.squares / sums.count as f64 - sums.mean() * sums.mean();
    let certain =
        variance > 1e-9 * sums.squares / sums.count as f64 && variance > 4.0 * LEAST_STD_VOLTS * LEAST_STD_VOLTS;
    certain || statistics::standard_deviation(window) >= LEAST_STD_VOLTS
}
