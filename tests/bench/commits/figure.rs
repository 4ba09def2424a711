//! Figures of a benchmark, measured in turns.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::number;
use super::work::Work;

const TURN: Duration = Duration::from_millis(500);
const TURNS_PER_SECOND: usize = 2;

/// Measures all figures in turns, and prints them.
pub async fn run(figures: &mut [Figure]) {
    for _ in 0..number("BENCH_SECONDS", 10) * TURNS_PER_SECOND {
        for figure in &mut *figures {
            figure.turn().await;
        }
    }
    println!("{:<34} {:>8} {:>8} {:>8}", "", "ops/s", "p50 ms", "p99 ms");
    figures.iter().for_each(Figure::print);
}

/// One kind of clients, and what was measured of them.
pub struct Figure {
    pub name: &'static str,
    clients: Vec<Work>,
    turns: Vec<Turn>,
}

impl Figure {
    pub fn new(name: &'static str, clients: Vec<Work>) -> Figure {
        Figure { name, clients, turns: Vec::new() }
    }

    async fn turn(&mut self) {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        for mut work in self.clients.drain(..) {
            running.spawn(async move {
                let mut took = Vec::new();
                while begun.elapsed() < TURN {
                    let asked = Instant::now();
                    work.once().await;
                    took.push(asked.elapsed());
                }
                (work, took)
            });
        }
        let mut turn = Turn { took: Vec::new(), time: Duration::ZERO };
        for (work, took) in running.join_all().await {
            self.clients.push(work);
            turn.took.extend(took);
        }
        turn.time = begun.elapsed();
        turn.took.sort_unstable();
        self.turns.push(turn);
    }

    fn print(&self) {
        let mut took: Vec<_> = self.turns.iter().flat_map(|turn| &turn.took).copied().collect();
        took.sort_unstable();
        let all = Turn { took, time: self.turns.iter().map(|turn| turn.time).sum() };
        let (name, rate) = (self.name, all.rate());
        println!("{name:<34} {rate:>8.0} {:>8.2} {:>8.2}", all.median(), all.at(0.99));
    }
}

/// How long each operation took, in order, and how long it all was.
pub struct Turn {
    took: Vec<Duration>,
    time: Duration,
}

impl Turn {
    pub fn rate(&self) -> f64 {
        self.took.len() as f64 / self.time.as_secs_f64()
    }

    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    pub fn p99(&self) -> f64 {
        self.at(0.99)
    }

    /// Milliseconds, of the operation at this part of all.
    fn at(&self, part: f64) -> f64 {
        let at = ((self.took.len() - 1) as f64 * part) as usize;
        self.took[at].as_secs_f64() * 1000.0
    }
}

pub fn median_ratio(one: &Figure, other: &Figure, of: fn(&Turn) -> f64) -> f64 {
    let turns = one.turns.iter().zip(&other.turns);
    let mut ratios: Vec<_> = turns.map(|(one, other)| of(one) / of(other)).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}
