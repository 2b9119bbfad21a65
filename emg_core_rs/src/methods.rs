//! What a paper's methods section needs to know about the numbers, as far as the profile and its options do not say it.

use crate::envelope::EnvelopeDesign;
use crate::muscle::Context;
use serde_json::{Value, json};

pub fn methods(context: &Context) -> Value {
    let design = EnvelopeDesign::new(context.sample_rate_hz, context.options);
    json!({
        "statement": "For research use, not a medical device.",
        "electrodes": "notReported",
        "amplifier": "notReported",
        "filters": {
            "type": "Butterworth of order 4, forward and backward: -6 dB at the cut-off",
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
        "reference": "InTaskP95: 95th percentile of this recording's own envelope (circular)",
    })
}
