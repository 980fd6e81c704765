//! What one frame costs: mark and encode, decode and read, PSNR; and what opening a clip costs.

use core::hint::black_box;
use core::time::Duration;
use criterion::{Criterion, criterion_group, criterion_main};
use parallax_media::{
    Clip, Decoder, Encoder, EncoderConfig, Picture, PictureMarker, Size, marker, psnr_millidb,
    ssim_ppm,
};

const SIZES: [(Size, u32); 2] =
    [(Size { width: 320, height: 240 }, 400_000), (Size { width: 640, height: 360 }, 1_000_000)];
const RATE: u16 = 15;

fn at(frame: u32) -> Duration {
    Duration::from_secs(u64::from(frame)) / u32::from(RATE)
}

fn marked(clip: &Clip, frame: u32) -> Picture {
    let mut picture = clip.frame_at(at(frame)).into_owned();
    let marker = PictureMarker { boot: 1, frame, camera_us: at(frame).as_micros() as u64 };
    marker::draw(&mut picture, &marker).expect("the sizes above have room for a strip");
    picture
}

fn codec(criterion: &mut Criterion) {
    for (size, bit_rate_bps) in SIZES {
        let clip = Clip::open("bunny", size).expect("the built-in clip opens");
        let config = EncoderConfig::new(size, RATE, bit_rate_bps);

        let mut encoder = Encoder::new(config).expect("the settings are in range");
        let mut frame = 0;
        criterion.bench_function(&format!("mark and encode {size}"), |bencher| {
            bencher.iter(|| {
                frame += 1;
                encoder.encode(&marked(&clip, frame - 1), at(frame - 1)).expect("it encodes")
            });
        });

        let mut encoder = Encoder::new(config).expect("the settings are in range");
        let units: Vec<_> = (0..150)
            .map(|frame| {
                encoder.encode(&marked(&clip, frame), at(frame)).expect("it encodes").bytes
            })
            .collect();
        let mut decoder = Decoder::new().expect("a decoder");
        // Round and round: the first unit is a key frame.
        let mut stream = units.iter().cycle();
        criterion.bench_function(&format!("decode and read {size}"), |bencher| {
            bencher.iter(|| {
                let unit = stream.next().expect("it has no end");
                let picture = decoder.decode(unit).expect("it decodes").expect("a picture");
                marker::read(&picture).expect("its marker")
            });
        });

        let (a, b) = (clip.frame(0), clip.frame(60));
        criterion.bench_function(&format!("psnr {size}"), |bencher| {
            bencher.iter(|| psnr_millidb(black_box(&a), black_box(&b), 32));
        });
        criterion.bench_function(&format!("ssim {size}"), |bencher| {
            bencher.iter(|| ssim_ppm(black_box(&a), black_box(&b), 32));
        });
        criterion.bench_function(&format!("open clip {size}"), |bencher| {
            bencher.iter(|| Clip::open("bunny", size).expect("the built-in clip opens"));
        });
        criterion.bench_function(&format!("open scene {size}"), |bencher| {
            bencher.iter(|| Clip::open(Clip::SCENE, size).expect("the size is possible"));
        });
        let scene = Clip::open(Clip::SCENE, size).expect("the size is possible");
        let mut ms = 0;
        criterion.bench_function(&format!("draw scene {size}"), |bencher| {
            bencher.iter(|| {
                ms += 67;
                scene.frame(ms).into_owned()
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2));
    targets = codec
}
criterion_main!(benches);
