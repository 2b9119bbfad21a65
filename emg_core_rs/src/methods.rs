//! What a paper's methods section needs to know about the numbers, as far as the profile and its options do not say it.

use crate::envelope::EnvelopeDesign;
use crate::method::{Detector, Method, StandardOptions};
use crate::muscle::Context;
use crate::options::Options;
use crate::spectrum::index_band_hz;
use crate::summary::{Muscle, ReferenceMethod};
use serde_json::{Value, json};

const STATEMENT: &str = "For research use, not a medical device.";
const FILTER: &str = "Butterworth of order 4, forward and backward: -6 dB at the cut-off";

/// The methods by which the muscles' references were had, each once.
pub fn reference_methods(muscles: &[Muscle]) -> String {
    let used = muscles.iter().filter_map(|muscle| muscle.reference).map(|reference| reference.method);
    let mut told: Vec<&str> = used.map(reference_words).collect();
    told.sort_unstable();
    told.dedup();
    told.join("; ")
}

fn reference_words(method: ReferenceMethod) -> &'static str {
    match method {
        ReferenceMethod::Provided => "Provided: given with the session",
        ReferenceMethod::File => "File: given by the recording",
        ReferenceMethod::InTaskP95 => "InTaskP95: 95th percentile of this recording's own envelope (circular)",
        ReferenceMethod::Default => "Default: 150 µV, whoever it is",
        ReferenceMethod::None => "None",
    }
}

pub fn methods(context: &Context, references: &str) -> Value {
    let design = EnvelopeDesign::new(context.sample_rate_hz, context.options);
    match &context.options.method {
        Method::Ghostly(_) => ghostly(design, references),
        Method::Standard(own) => standard(context, own, design, references),
    }
}

fn ghostly(design: Option<EnvelopeDesign>, references: &str) -> Value {
    json!({
        "statement": STATEMENT,
        "electrodes": "notReported",
        "amplifier": "notReported",
        "filters": {
            "type": FILTER,
            "high_pass_hz": design.map(|design| design.high_pass_hz),
            "low_pass_hz": design.map(|design| design.low_pass_hz),
            "low_pass_clamped": design.is_some_and(|design| design.low_pass_clamped),
        },
        "envelope": "high-pass, magnitude, low-pass, moving average",
        "amplitude": "unfiltered signal",
        "spectrum": "unfiltered signal; Welch, 256 samples, Hann, 50 % overlap",
        "fi_nsm5": "Dimitrov 2006",
        "windows": "1 s, 50 % overlap",
        "detection": "smoothed magnitude above a share of its maximum; short dropped, gaps merged, long split",
        "reference": references,
    })
}

const NOT_REPORTED: [&str; 8] = [
    "electrodes",
    "placement",
    "skin preparation",
    "amplifier",
    "impedance and noise",
    "band before sampling",
    "resolution",
    "task and force",
];

/// The items of the ISEK standards (Merletti 1999) and of CEDE's checklists (Besomi et al. 2019 to 2024). What was done to
/// the patient and by which hardware, no C3D recording says.
fn standard(context: &Context, own: &StandardOptions, design: Option<EnvelopeDesign>, references: &str) -> Value {
    let band = index_band_hz(context.sample_rate_hz);
    json!({
        "statement": STATEMENT,
        "notReported": NOT_REPORTED,
        "sample_rate_hz": context.sample_rate_hz,
        "filters": {
            "type": FILTER,
            "high_pass_hz": design.map(|design| design.high_pass_hz),
            "low_pass_hz": design.map(|design| design.low_pass_hz),
            "low_pass_clamped": design.is_some_and(|design| design.low_pass_clamped),
        },
        "high_passed": "each usable segment by itself, mean off; amplitude and spectra are of it",
        "envelope": "its magnitude, low-pass, negative off, centred average of those present",
        "envelope_window_samples": design.map(|design| design.window_samples | 1),
        "spectrum": "Welch, 256 samples, Hann, 50 % overlap; median interpolated",
        "fi_nsm5": "Dimitrov 2006",
        "fi_nsm5_band_hz": [band.start(), band.end()],
        "windows": "1 s, 50 % overlap",
        "detection": detection(context.options, own),
        "reference": references,
        "meets_mvc": "envelope's peak",
        "fatigue": "least squares, 95 % by Student's t",
        "timing_lag": "cross-correlation; nothing is shifted",
        "rounding": "contractions, windows, fatigue: 4 digits, 0.1 ms; channels: 7 digits",
    })
}

fn detection(options: &Options, own: &StandardOptions) -> String {
    let Options { threshold_activated_permille: timed, threshold_envelope_permille: enveloped, .. } = *options;
    let rule = match own.detector {
        Detector::Threshold => format!(
            "above rest's median + max({timed} (activated), {enveloped} (envelope) permille of P99.5 over it, {} x 1.4826 \
             MAD), to {} % of that height; rest: quietest quarter of 250 ms blocks",
            own.threshold_deviations, own.hysteresis_percent
        ),
        Detector::HodgesBuiTkeo => format!(
            "Teager-Kaiser energy, 25 ms, above mean + {} SD of rest (Hodges & Bui 1996; Solnik 2010)",
            own.tkeo_deviations
        ),
        Detector::Bonato => {
            "double threshold, 3 of 5 powers of two samples, chance 0.01 (Bonato 1998), not whitened".to_owned()
        }
    };
    let Options { merge_gap_ms, min_contraction_ms, .. } = *options;
    format!("{rule}; gaps to {merge_gap_ms} ms merged, then under {min_contraction_ms} ms dropped")
}
