//! standard-1: one muscle from its bytes to its part of the summary.
//!
//! The `activated` channel goes first through the workspace, then the raw one: found unusable here and there, high-passed,
//! measured, and made its envelope. So no more than one signal is held at a time, but for muscles whose envelope does the
//! timing.

use crate::conditioning::{Conditioning, silence_outside};
use crate::description::{Strength, describe, median_frequencies, spectrum_of, strengths, summarize, sums_of};
use crate::detection::{Found, tidied};
use crate::detectors::{Runs, Usable};
use crate::digits::{significant, single, tenths};
use crate::envelope::inner;
use crate::fatigue::fatigue;
use crate::filter::PADDING;
use crate::lag::{Blocks, lag_s};
use crate::method::{Detector, StandardOptions};
use crate::muscle::{Assessed, Context, Examined, MuscleChannels, Unfit};
use crate::quality::{self, Reason};
use crate::reference;
use crate::segments::Segments;
use crate::spectrum::Moments;
use crate::statistics::{Spread, block_sums};
use crate::summary::{Amplitude, Muscle, StandardMuscle, Windows};
use crate::workspace::{Workspace, with_workspace};
use std::ops::Range;

/// Less usable signal says nothing about a muscle.
pub const LEAST_USABLE_S: f64 = crate::quality::LEAST_USABLE_S;

/// The muscle being assessed.
struct Assessment<'a> {
    context: &'a Context<'a>,
    own: &'a StandardOptions,
    conditioning: Conditioning,
    segments: Segments,
}

/// What the `activated` channel says.
struct Activated {
    runs: Runs,
    blocks: Blocks,
}

impl Context<'_> {
    pub fn assess_standard(
        &self,
        own: &StandardOptions,
        channels: &MuscleChannels,
        workspace: &mut Workspace,
    ) -> Assessed {
        let activated = channels.activated.map(|channel| self.activated(own, channel, workspace));
        let (activated, examined) = activated.unzip();
        self.load(channels.raw, PADDING, workspace);
        let signal = &workspace.signal[inner(self.samples)];
        let measured = self.measure(signal);
        let too_slow = self.design().is_none().then_some(Unfit::SampleRateTooLow);
        let power = self.power(signal, &measured);
        let mut raw = self.examine_raw(channels.raw, signal, &measured, power.as_ref(), too_slow);
        let mut muscle = self.unassessed(channels);
        muscle.skipped = self.unfit(&raw);
        let conditioning = Conditioning::new(self.level, self.sample_rate_hz, self.options);
        if let (None, Some(conditioning)) = (muscle.skipped, conditioning) {
            let segments = Segments::between(&raw.faults, self.samples);
            let assessment = Assessment { context: self, own, conditioning, segments };
            assessment.assess(activated.flatten(), workspace, &mut muscle);
            raw.report.tell(assessment.unsettled());
        }
        (muscle, [Some(raw), examined].into_iter().flatten().map(shortened).collect())
    }

    /// Runs and course of the `activated` channel, if enough of it is usable. Where it is not, it counts as silent.
    fn activated(
        &self,
        own: &StandardOptions,
        channel: usize,
        workspace: &mut Workspace,
    ) -> (Option<Activated>, Examined) {
        self.load(channel, 0, workspace);
        let Workspace { signal, rows } = workspace;
        let measured = self.measure(signal);
        let found = self.faults(signal, &measured, true);
        let examined = self.examined(channel, signal, &measured, found, None, None);
        if self.unfit(&examined).is_some() {
            return (None, examined);
        }
        let segments = Segments::between(&examined.faults, self.samples).ranges;
        silence_outside(signal, &segments, 0);
        for value in signal.iter_mut() {
            *value = value.abs();
        }
        let share = self.options.threshold_activated_permille;
        let runs = self.usable_signal(signal, &segments).by_threshold(share, own, rows);
        (Some(Activated { runs, blocks: Blocks::of(signal, self.sample_rate_hz) }), examined)
    }

    /// Why nothing can be told from a channel, in a word.
    fn unfit(&self, examined: &Examined) -> Option<&'static str> {
        let segments = Segments::between(&examined.faults, self.samples);
        let usable_s = segments.ranges.iter().map(Range::len).sum::<usize>() as f64 / self.sample_rate_hz;
        examined.unfit.map(Unfit::word).or((usable_s < LEAST_USABLE_S).then_some("TooLittleUsable"))
    }

    fn usable_signal<'b>(&self, signal: &'b [f64], segments: &'b [Range<usize>]) -> Usable<'b> {
        Usable { level: self.level, signal, segments, sample_rate_hz: self.sample_rate_hz }
    }
}

impl Assessment<'_> {
    fn assess(&self, activated: Option<Activated>, workspace: &mut Workspace, muscle: &mut Muscle) {
        let (raw, timing) = (&muscle.raw_channel, self.own.detector == Detector::Threshold && activated.is_some());
        muscle.timing_channel = if timing { muscle.timing_channel.clone() } else { raw.clone() };
        self.conditioning.high_pass(workspace, &self.segments.ranges);
        self.measure(&workspace.signal[inner(self.context.samples)], muscle);
        let (runs, blocks) = activated.map(|activated| (activated.runs, activated.blocks)).unzip();
        let (threshold, found, strengths) = self.find(runs, workspace);
        self.describe(&found, &strengths, workspace, muscle);
        match (self.own.detector, muscle.standard.as_mut()) {
            (Detector::HodgesBuiTkeo, Some(told)) => told.detection_threshold_volts_squared = Some(threshold),
            _ => muscle.detection_threshold_volts = Some(threshold),
        }
        let envelope = &workspace.signal[inner(self.context.samples)];
        muscle.timing_lag_ms = blocks.and_then(|late| self.lag_ms(envelope, &late));
    }

    fn usable<'a>(&'a self, signal: &'a [f64]) -> Usable<'a> {
        self.context.usable_signal(signal, &self.segments.ranges)
    }

    /// Amplitude and spectra of the high-passed signal, whole and in windows of one second, half overlapping.
    fn measure(&self, high_passed: &[f64], muscle: &mut Muscle) {
        let Context { level, sample_rate_hz, .. } = *self.context;
        let moments = Moments::in_band(sample_rate_hz);
        let sums = sums_of(level, high_passed, self.segments.ranges.iter().cloned());
        muscle.amplitude = Some(Amplitude {
            rms_volts: sums.root_mean_square(),
            mav_volts: sums.mean_magnitude(),
            iemg_volt_seconds: sums.magnitudes / sample_rate_hz,
        });
        let power = spectrum_of(level, high_passed, self.segments.ranges.iter().cloned());
        muscle.spectrum = power.and_then(|power| moments.spectral(&power));
        let halves = block_sums(level, high_passed, self.context.window_samples() / 2);
        let windows = self.context.windows(high_passed, &halves, &moments, |window| self.segments.hold(&window));
        muscle.windows = Some(rounded(&windows));
    }

    /// Contractions with their strengths in the high-passed signal in the workspace, which becomes its envelope.
    fn find(&self, activated: Option<Runs>, workspace: &mut Workspace) -> (f64, Vec<Found>, Vec<Strength>) {
        let place = inner(self.context.samples);
        let high_passed = self.usable(&workspace.signal[place.clone()]);
        let runs = match self.own.detector {
            Detector::Threshold => activated,
            Detector::HodgesBuiTkeo => Some(high_passed.by_energy(self.own)),
            Detector::Bonato => Some(high_passed.by_double_threshold()),
        };
        if let Some(runs) = runs {
            let (found, strengths) = self.tidied(&runs, &high_passed);
            self.conditioning.envelope(workspace, &self.segments.ranges);
            return (runs.threshold, found, strengths);
        }
        with_workspace(|kept| {
            kept.signal.clear();
            kept.signal.extend_from_slice(&workspace.signal[place.clone()]);
            self.conditioning.envelope(workspace, &self.segments.ranges);
            let share = self.context.options.threshold_envelope_permille;
            let runs = self.usable(&workspace.signal[place]).by_threshold(share, self.own, &mut kept.rows);
            let (found, strengths) = self.tidied(&runs, &self.usable(&kept.signal));
            (runs.threshold, found, strengths)
        })
    }

    fn tidied(&self, runs: &Runs, high_passed: &Usable) -> (Vec<Found>, Vec<Strength>) {
        let Context { sample_rate_hz, options, .. } = *self.context;
        let found = tidied(&runs.runs, &self.segments.ranges, sample_rate_hz, options);
        let strengths = strengths(high_passed, &found, &Moments::in_band(sample_rate_hz));
        (found, strengths)
    }

    /// Reference, contractions and fatigue, with the envelope in the workspace.
    fn describe(&self, found: &[Found], strengths: &[Strength], workspace: &mut Workspace, muscle: &mut Muscle) {
        let Context { sample_rate_hz, options, samples, .. } = *self.context;
        let Workspace { signal, rows } = workspace;
        let envelope = self.usable(&signal[inner(samples)]);
        let in_task = || envelope.quantile(reference::IN_TASK_QUANTILE, rows.room(samples));
        let reference = reference::standard(self.context, self.own, &muscle.name, in_task);
        muscle.contractions = describe(&envelope, found, strengths, reference.threshold_volts, options);
        muscle.contraction_summary = Some(summarize(&muscle.contractions, reference.volts.is_some()));
        muscle.reference = Some(reference);
        let windows_left_out = muscle.windows.map_or(0, |windows| windows.left_out);
        muscle.standard = Some(self.told(&median_frequencies(found, strengths, sample_rate_hz), windows_left_out));
    }

    fn told(&self, median_frequencies: &[(f64, f64)], windows_left_out: usize) -> StandardMuscle {
        StandardMuscle {
            fatigue: fatigue(median_frequencies),
            detection_threshold_volts_squared: None,
            unsettled_fraction: self.unsettled_fraction(),
            excluded_segments: self.segments.excluded,
            excluded_samples: self.segments.excluded_samples,
            windows_left_out,
        }
    }

    fn unsettled(&self) -> Option<Reason> {
        let (fraction, most_fraction) = (self.unsettled_fraction(), quality::MOST_UNSETTLED);
        let settling_s = quality::settling_s(self.context.options.high_pass_hz);
        (fraction > most_fraction).then_some(Reason::ShortSegments { fraction, most_fraction, settling_s })
    }

    /// The share of the usable samples in segments too short for the high-pass to settle in.
    fn unsettled_fraction(&self) -> f64 {
        let lengths = || self.segments.ranges.iter().map(Range::len);
        let settling = quality::settling_s(self.context.options.high_pass_hz) * self.context.sample_rate_hz;
        let short: usize = lengths().filter(|length| (*length as f64) < settling).sum();
        significant(short as f64 / lengths().sum::<usize>().max(1) as f64)
    }

    fn lag_ms(&self, envelope: &[f64], late: &Blocks) -> Option<f64> {
        let early = Blocks::of(envelope, self.context.sample_rate_hz);
        lag_s(self.context.level, &early, late).map(|seconds| tenths(seconds * 1000.0))
    }
}

/// A channel's numbers are made of samples of 32 bits, or worth no more digits.
fn shortened(mut examined: Examined) -> Examined {
    let report = &mut examined.report;
    let numbers =
        [&mut report.dc_offset_volts, &mut report.mains_ratio, &mut report.minimum_volts, &mut report.maximum_volts];
    for number in numbers {
        *number = number.map(single);
    }
    examined
}

fn rounded(windows: &Windows) -> Windows {
    let each = |spread: Option<Spread>| {
        spread.map(|spread| Spread {
            mean: significant(spread.mean),
            std: significant(spread.std),
            min: significant(spread.min),
            max: significant(spread.max),
            n: spread.n,
            cv: spread.cv.map(significant),
        })
    };
    Windows {
        rms_volts: each(windows.rms_volts),
        mav_volts: each(windows.mav_volts),
        mpf_hz: each(windows.mpf_hz),
        mdf_hz: each(windows.mdf_hz),
        fi_nsm5: each(windows.fi_nsm5),
        left_out: windows.left_out,
    }
}
