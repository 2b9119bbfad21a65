//! A small C3D writer: Intel order, float32, two muscles as GHOSTLY has them.

pub const SAMPLE_RATE_HZ: f64 = 990.0;
const SAMPLES_PER_FRAME: usize = 30;
const DATA_START: usize = 1536;
const CHANNELS: [&str; 4] = ["CH1 Raw", "CH2 Raw", "CH1 activated", "CH2 activated"];

/// A recording of four channels whose samples `value(channel, sample)` gives.
pub fn recording(frames: u16, value: impl Fn(usize, usize) -> f32) -> Vec<u8> {
    let mut bytes = header(frames);
    bytes.extend(parameters(frames));
    bytes.resize(DATA_START, 0);
    for sample in 0..usize::from(frames) * SAMPLES_PER_FRAME {
        if sample % SAMPLES_PER_FRAME == 0 {
            bytes.extend([0; 16]);
        }
        for channel in 0..CHANNELS.len() {
            bytes.extend(value(channel, sample).to_le_bytes());
        }
    }
    bytes
}

/// Bursts of noise with their magnitude beside them, the same for the same sample.
pub fn bursts(channel: usize, sample: usize) -> f32 {
    let seconds = sample as f64 / SAMPLE_RATE_HZ;
    let active = (seconds + channel as f64 % 2.0) % 4.0 < 1.5;
    let noise = (sample * 7919 + channel * 104_729) % 1009;
    let strength = if active { 4e-4 } else { 4e-6 };
    let value = (noise as f64 / 504.0 - 1.0) * strength;
    (if channel < 2 { value } else { value.abs() }) as f32
}

fn header(frames: u16) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    bytes[..2].copy_from_slice(&[2, 80]);
    let words = [1, (CHANNELS.len() * SAMPLES_PER_FRAME) as u16, 1, frames, 0];
    let rest = [0, (DATA_START / 512 + 1) as u16, SAMPLES_PER_FRAME as u16];
    for (at, word) in (2..).step_by(2).zip(words).chain([14, 16, 18].into_iter().zip(rest)) {
        bytes[at..at + 2].copy_from_slice(&word.to_le_bytes());
    }
    bytes[12..16].copy_from_slice(&(-1f32).to_le_bytes());
    bytes[20..24].copy_from_slice(&33f32.to_le_bytes());
    bytes
}

fn parameters(frames: u16) -> Vec<u8> {
    let labels = CHANNELS.map(|name| format!("{name:13}")).concat();
    let mut bytes = vec![1, 80, 2, 84];
    bytes.extend(record(-1, "POINT", &[0]));
    bytes.extend(record(1, "FRAMES", &number(2, &frames.to_le_bytes())));
    bytes.extend(record(-2, "ANALOG", &[0]));
    bytes.extend(record(2, "USED", &number(2, &4u16.to_le_bytes())));
    bytes.extend(record(2, "RATE", &number(4, &(SAMPLE_RATE_HZ as f32).to_le_bytes())));
    bytes.extend(record(2, "LABELS", &[&[255, 2, 13, 4][..], labels.as_bytes(), &[0]].concat()));
    bytes.extend(record(-3, "SUBJECTS", &[0]));
    bytes.extend(record(3, "PLAYER_NAME", b"\xff\x01\x07Someone\x00"));
    bytes.extend([0, 0]);
    bytes
}

fn number(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0][..], value, &[0]].concat()
}

/// A group (negative number) or a parameter.
pub fn record(id: i8, name: &str, body: &[u8]) -> Vec<u8> {
    let offset = (2 + body.len()) as u16;
    [&[name.len() as u8, id.cast_unsigned()][..], name.as_bytes(), &offset.to_le_bytes(), body].concat()
}
