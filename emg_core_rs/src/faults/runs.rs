//! Runs of one identical value.

use crate::contraction::Span;
use crate::lanes::LANES;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    pub span: Span,
    pub value: f64,
}

impl Run {
    pub fn len(&self) -> usize {
        self.span.1 - self.span.0
    }
}

/// Runs of at least `shortest` (two or more) equal samples. Every such run holds two neighbouring probes half as far apart,
/// so only probes are compared; the run around an equal pair is then measured.
pub fn equal(signal: &[f64], shortest: usize) -> Vec<Run> {
    let step = (shortest / 2).max(1);
    let mut runs: Vec<Run> = Vec::new();
    let mut probe = 0;
    while probe + step < signal.len() {
        if signal[probe] == signal[probe + step] {
            let run = around(signal, probe);
            if run.len() >= shortest {
                runs.push(run);
            }
            probe += (run.span.1 - 1 - probe) / step * step;
        }
        probe += step;
    }
    runs
}

fn around(signal: &[f64], at: usize) -> Run {
    let value = signal[at];
    let before = signal[..at].iter().rev().take_while(|other| **other == value).count();
    let (rows, _) = signal[at..].as_chunks::<LANES>();
    let equal = rows.iter().take_while(|row| **row == [value; LANES]).count() * LANES;
    let after = equal + signal[at + equal..].iter().take_while(|other| **other == value).count();
    Run { span: (at - before, at + after), value }
}
