//! What rendering costs: a run in full, its pictures, and a page of 5,000 runs.

#[path = "../tests/report/support.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use parallax_record::Suite;
use parallax_render::{Report, html, png};
use std::hint::black_box;

fn render(criterion: &mut Criterion) {
    assert!(support::FRAMES > 0 && support::late_us(0) > 0 && support::header(1).seed == 1);
    let one = [support::folder(&[1])];
    criterion.bench_function("a run in full", |bench| {
        bench.iter(|| html::report(&Report::new(black_box(&one))));
    });
    let report = Report::new(&one);
    criterion.bench_function("the pictures of a run", |bench| {
        bench.iter(|| png::run(&report, black_box(&report.details[0])));
    });
    let mut many = support::folder(&[1, 2, 3]);
    let runs = many.suite.runs.clone();
    let of = |seed: u64| {
        let mut run = runs[(seed % 3) as usize].clone();
        run.seed = seed;
        run
    };
    many.suite = Suite::new((1..=5_000).map(of).collect());
    let many = [many];
    criterion.bench_function("5,000 runs, three of them in full", |bench| {
        bench.iter(|| html::report(&Report::new(black_box(&many))));
    });
}

criterion_group! { name = benches; config = Criterion::default().sample_size(20); targets = render }
criterion_main!(benches);
