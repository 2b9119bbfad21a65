//! One muscle: from the bytes of its channels to its part of the summary.

use crate::c3d::Recording;
use crate::contraction::{self, ContractionSummary, Span};
use crate::envelope::{self, EnvelopeDesign};
use crate::faults::{self, Fault, Found};
use crate::filter::PADDING;
use crate::mains::{self, Hum};
use crate::method::{GhostlyOptions, Method};
use crate::options::Options;
use crate::quality::{self, Reason};
use crate::reference;
use crate::spectrum::{Moments, Spectral};
use crate::statistics::{self, Sums, spread};
use crate::summary::{Amplitude, ChannelReport, Muscle, RailsReport, Reference, Windows};
use crate::welch::{self, Spectrum};
use crate::workspace::Workspace;
use fearless_simd::Level;
use std::ops::Range;

/// A signal that varies less has no spectrum.
const LEAST_STD_VOLTS: f64 = 1e-10;
pub const MAXIMUM_S: f64 = 600.0;

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

/// A muscle and what was found on its channels.
pub type Assessed = (Muscle, Vec<Examined>);

/// A channel by its number, with its report and its faults.
pub struct Examined {
    pub channel: usize,
    pub report: ChannelReport,
    pub faults: Vec<Fault>,
    /// Why the profile uses nothing of the channel.
    pub unfit: Option<Unfit>,
}

/// ghostly-2 uses a channel whole, faults included, or not at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unfit {
    NonFinite,
    Flat,
    TooLong { duration_s: f64 },
    SampleRateTooLow,
}

impl Unfit {
    /// A stable word.
    pub fn word(self) -> &'static str {
        match self {
            Unfit::NonFinite => "NonFinite",
            Unfit::Flat => "Flat",
            Unfit::TooLong { .. } => "TooLong",
            Unfit::SampleRateTooLow => "SampleRateTooLow",
        }
    }
}

/// What one pass over a channel tells.
pub struct Measured {
    halves: Vec<Sums>,
    pub all: Sums,
    low: f64,
    high: f64,
}

struct Timing {
    threshold: f64,
    spans: Vec<Span>,
}

impl Context<'_> {
    pub fn assess(&self, channels: &MuscleChannels, workspace: &mut Workspace) -> Assessed {
        match &self.options.method {
            Method::Ghostly(own) => self.assess_ghostly(own, channels, workspace),
            Method::Standard(own) => self.assess_standard(own, channels, workspace),
        }
    }

    /// The `activated` channel goes first through the workspace, then the raw one; a muscle with an unfit channel is skipped.
    fn assess_ghostly(&self, own: &GhostlyOptions, channels: &MuscleChannels, workspace: &mut Workspace) -> Assessed {
        let timing = channels.activated.map(|channel| self.time_by_activated(own, channel, workspace));
        let (timing, activated) = timing.unzip();
        self.load(channels.raw, PADDING, workspace);
        let signal = &workspace.signal[envelope::inner(self.samples)];
        let measured = self.measure(signal);
        let power = self.power(signal, &measured);
        let unfit = self.unfit_whole(signal, &measured);
        let raw = self.examine_raw(channels.raw, signal, &measured, power.as_ref(), unfit);
        let examined: Vec<_> = [Some(raw), activated].into_iter().flatten().collect();
        let mut muscle = self.unassessed(channels);
        muscle.skipped = examined.iter().find_map(|examined| examined.unfit).map(Unfit::word);
        if let (None, Some(design)) = (muscle.skipped, self.design()) {
            self.unfiltered(&measured, power.as_ref(), workspace, &mut muscle);
            envelope::envelope_in(self.level, workspace, &design);
            self.contractions(own, timing.flatten(), workspace, &mut muscle);
        }
        (muscle, examined)
    }

    pub fn design(&self) -> Option<EnvelopeDesign> {
        EnvelopeDesign::new(self.sample_rate_hz, self.options)
    }

    pub fn name(&self, channel: usize) -> String {
        self.recording.metadata.channels[channel].name.clone()
    }

    pub fn unassessed(&self, channels: &MuscleChannels) -> Muscle {
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
            standard: None,
        }
    }

    /// Puts one channel, in volts, into the workspace with room for `padding` samples on both sides.
    pub fn load(&self, channel: usize, padding: usize, workspace: &mut Workspace) {
        // Room for the padding is made at once: growing later would move everything.
        workspace.signal.reserve_exact((self.samples + 2 * PADDING).saturating_sub(workspace.signal.len()));
        workspace.signal.resize(self.samples + 2 * padding, 0.0);
        let scale = self.recording.metadata.channels[channel].volts_per_unit();
        let samples = &mut workspace.signal[padding..padding + self.samples];
        self.recording.decode_scaled(self.frames, channel, scale, samples);
    }

    pub fn window_samples(&self) -> usize {
        envelope::window_samples(1000, self.sample_rate_hz).max(2)
    }

    pub fn measure(&self, signal: &[f64]) -> Measured {
        let halves = statistics::block_sums(self.level, signal, self.window_samples() / 2);
        let (low, high) = statistics::extremes(self.level, signal);
        Measured { all: total(&halves), halves, low, high }
    }

    pub fn faults(&self, signal: &[f64], measured: &Measured, rests_at_zero: bool) -> Found {
        let (level, rate, extremes) = (self.level, self.sample_rate_hz, (measured.low, measured.high));
        if measured.all.squares.is_finite() {
            faults::detect_finite(level, signal, rate, rests_at_zero, extremes)
        } else {
            faults::detect(level, signal, rate, rests_at_zero)
        }
    }

    /// Spectrum of the whole channel, if it is finite and long enough.
    pub fn power(&self, signal: &[f64], measured: &Measured) -> Option<Spectrum> {
        measured.all.squares.is_finite().then(|| welch::whole(self.level, signal)).flatten()
    }

    pub fn examine_raw(
        &self,
        channel: usize,
        signal: &[f64],
        measured: &Measured,
        power: Option<&Spectrum>,
        unfit: Option<Unfit>,
    ) -> Examined {
        let found = self.faults(signal, measured, false);
        let is_finite = measured.all.squares.is_finite();
        let hum = if is_finite {
            power.and_then(|power| mains::hum(self.level, signal, power, self.sample_rate_hz))
        } else {
            let segments = faults::usable_segments(&found.faults, signal.len(), 1);
            mains::hum_between(self.level, signal, &segments, self.sample_rate_hz)
        };
        let mut examined = self.examined(channel, signal, measured, found, hum, unfit);
        examined.report.tell((!is_finite && hum.is_none()).then_some(Reason::HumNotChecked));
        examined
    }

    fn unfit_whole(&self, signal: &[f64], measured: &Measured) -> Option<Unfit> {
        let duration_s = self.samples as f64 / self.sample_rate_hz;
        if !measured.all.squares.is_finite() {
            Some(Unfit::NonFinite)
        } else if duration_s > MAXIMUM_S {
            Some(Unfit::TooLong { duration_s })
        } else if self.design().is_none() {
            Some(Unfit::SampleRateTooLow)
        } else {
            let varies = statistics::deviates(signal, measured.high - measured.low, LEAST_STD_VOLTS);
            (!varies).then_some(Unfit::Flat)
        }
    }

    pub fn examined(
        &self,
        channel: usize,
        signal: &[f64],
        measured: &Measured,
        Found { faults, rails }: Found,
        hum: Option<Hum>,
        unfit: Option<Unfit>,
    ) -> Examined {
        let mut reasons = quality::reasons(&faults, self.samples, self.sample_rate_hz, hum);
        reasons.extend(unfit.map(|unfit| self.refusal(unfit)));
        let usable = if unfit.is_some() { 0 } else { faults::usable_samples(&faults, self.samples) };
        let (low, high) = self.usable_extremes(signal, measured, &faults);
        let finite = |volts: f64| volts.is_finite().then_some(volts + 0.0);
        let report = ChannelReport {
            name: self.name(channel),
            verdict: quality::verdict(&reasons),
            reasons,
            usable_s: usable as f64 / self.sample_rate_hz,
            usable_fraction: usable as f64 / self.samples as f64,
            dc_offset_volts: finite(self.usable_sums(signal, measured, &faults).mean()),
            mains_ratio: hum.map(|hum| hum.ratio),
            minimum_volts: finite(low),
            maximum_volts: finite(high),
            rails: rails.map(RailsReport::of),
        };
        Examined { channel, report, faults, unfit }
    }

    /// Sums over the samples without faults.
    fn usable_sums(&self, signal: &[f64], measured: &Measured, faults: &[Fault]) -> Sums {
        if faults.is_empty() {
            return measured.all;
        }
        let segments = faults::usable_segments(faults, signal.len(), 1);
        let sums =
            |segment: Range<usize>| total(&statistics::block_sums(self.level, &signal[segment.clone()], segment.len()));
        segments.into_iter().map(sums).fold(Sums::default(), |all, some| all + some)
    }

    /// Smallest and largest sample without faults.
    fn usable_extremes(&self, signal: &[f64], measured: &Measured, faults: &[Fault]) -> (f64, f64) {
        if faults.is_empty() {
            return (measured.low, measured.high);
        }
        let segments = faults::usable_segments(faults, signal.len(), 1);
        let each = segments.into_iter().map(|segment| statistics::extremes(self.level, &signal[segment]));
        each.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (least, most)| {
            (if least < low { least } else { low }, if most > high { most } else { high })
        })
    }

    fn refusal(&self, unfit: Unfit) -> Reason {
        let (sample_rate_hz, high_pass_hz) = (self.sample_rate_hz, self.options.high_pass_hz);
        match unfit {
            Unfit::NonFinite => Reason::NotWhole,
            Unfit::Flat => Reason::HardlyVaries { std_below_volts: LEAST_STD_VOLTS },
            Unfit::TooLong { duration_s } => Reason::TooLong { duration_s, maximum_s: MAXIMUM_S },
            Unfit::SampleRateTooLow => Reason::SampleRateTooLow { sample_rate_hz, high_pass_hz },
        }
    }

    /// An `activated` channel may rest at zero: no contraction is no fault.
    fn time_by_activated(
        &self,
        own: &GhostlyOptions,
        channel: usize,
        workspace: &mut Workspace,
    ) -> (Option<Timing>, Examined) {
        self.load(channel, 0, workspace);
        let measured = self.measure(&workspace.signal);
        let found = self.faults(&workspace.signal, &measured, true);
        let unfit = (!measured.all.squares.is_finite()).then_some(Unfit::NonFinite);
        let examined = self.examined(channel, &workspace.signal, &measured, found, None, unfit);
        let timing = unfit.is_none().then(|| self.time(own, self.options.threshold_activated_permille, workspace));
        (timing, examined)
    }

    /// Smooths the signal in the workspace and finds where it is above a share of its maximum.
    fn time(&self, own: &GhostlyOptions, threshold_permille: u32, workspace: &mut Workspace) -> Timing {
        envelope::smooth_magnitude(self.level, workspace, own.smoothing_samples as usize);
        let (_, most) = statistics::extremes(self.level, &workspace.signal);
        let threshold = most * (f64::from(threshold_permille) / 1000.0);
        let (rate, options) = (self.sample_rate_hz, self.options);
        let spans = contraction::detect(self.level, &workspace.signal, threshold, rate, options, own);
        Timing { threshold, spans }
    }

    /// Amplitude and spectra of the signal as recorded, whole and in windows of one second, half overlapping.
    fn unfiltered(&self, measured: &Measured, power: Option<&Spectrum>, workspace: &Workspace, muscle: &mut Muscle) {
        let signal = &workspace.signal[envelope::inner(self.samples)];
        let (all, moments) = (&measured.all, Moments::new(self.sample_rate_hz));
        muscle.amplitude = Some(Amplitude {
            rms_volts: all.root_mean_square(),
            mav_volts: all.mean_magnitude(),
            iemg_volt_seconds: all.magnitudes / self.sample_rate_hz,
        });
        muscle.spectrum = power.and_then(|power| moments.spectral(power));
        muscle.windows = Some(self.windows(signal, &measured.halves, &moments, |_| true));
    }

    /// How metrics vary over the windows that count: those whose samples all do.
    pub fn windows(
        &self,
        signal: &[f64],
        halves: &[Sums],
        moments: &Moments,
        counts: impl Fn(Range<usize>) -> bool,
    ) -> Windows {
        let (window, step) = (self.window_samples(), self.window_samples() / 2);
        let sums = window_sums(signal, halves, window);
        let place = |index: usize| index * step..index * step + window;
        let counts: Vec<bool> = (0..sums.len()).map(|index| counts(place(index))).collect();
        let has_spectrum = |index: usize| counts[index] && varies(&sums[index], &signal[place(index)]);
        let mut spectral = Vec::with_capacity(sums.len());
        welch::windows(self.level, signal, window, step, |index, power| {
            spectral.extend(has_spectrum(index).then(|| moments.spectral(power)).flatten());
        });
        let counting = sums.iter().zip(&counts).filter(|(_, counts)| **counts).map(|(sums, _)| sums);
        let amplitude = |metric: fn(&Sums) -> f64| spread(&counting.clone().map(metric).collect::<Vec<_>>());
        let frequency = |metric: fn(&Spectral) -> f64| spread(&spectral.iter().map(metric).collect::<Vec<_>>());
        Windows {
            rms_volts: amplitude(Sums::root_mean_square),
            mav_volts: amplitude(Sums::mean_magnitude),
            mpf_hz: frequency(|s| s.mpf_hz),
            mdf_hz: frequency(|s| s.mdf_hz),
            fi_nsm5: frequency(|s| s.fi_nsm5),
            left_out: counts.iter().filter(|counts| !**counts).count(),
        }
    }

    /// Reference, timing where it is not known yet, and contractions from the envelope in the workspace.
    fn contractions(
        &self,
        own: &GhostlyOptions,
        timing: Option<Timing>,
        workspace: &mut Workspace,
        muscle: &mut Muscle,
    ) {
        let envelope = &workspace.signal[envelope::inner(self.samples)];
        let reference = self.ghostly_reference(&muscle.name, envelope, workspace.rows.rows.as_flattened_mut());
        let timing = timing.unwrap_or_else(|| self.time_by_envelope(own, envelope));
        let (rate, threshold) = (self.sample_rate_hz, reference.threshold_volts.unwrap_or(f64::INFINITY));
        muscle.contractions = contraction::describe(self.level, &timing.spans, envelope, rate, threshold, self.options);
        muscle.contraction_summary = Some(ContractionSummary::of(&muscle.contractions, true));
        muscle.detection_threshold_volts = Some(timing.threshold);
        muscle.reference = Some(reference);
    }

    fn time_by_envelope(&self, own: &GhostlyOptions, envelope: &[f64]) -> Timing {
        crate::workspace::with_workspace(|workspace| {
            workspace.signal.clear();
            workspace.signal.extend_from_slice(envelope);
            self.time(own, self.options.threshold_envelope_permille, workspace)
        })
    }

    fn ghostly_reference(&self, muscle: &str, envelope: &[f64], spare: &mut [f64]) -> Reference {
        let provided = reference::provided(self, muscle);
        let (method, volts) = provided.unwrap_or_else(|| reference::in_task(self.level, envelope, spare));
        Reference::new(method, Some(volts), self.options)
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
