//! tmp
#[path = "../tests/integration/sample.rs"]
#[allow(dead_code)]
mod sample;
use switchyard_catalog::*;
use switchyard_storage::*;
fn cpu() -> f64 {
    let t = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = t.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) * 10.0
}
#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let s = SqliteStorage::open(dir.path(), SecretKey::load_or_create(&dir.path().join("k")).unwrap()).await.unwrap();
    s.account_put(&Account { id: sample::account(), name: "x".into() }).await.unwrap();
    let ns = sample::namespace("prod");
    s.namespace_create(&ns).await.unwrap();
    let (c, t) = (cpu(), std::time::Instant::now());
    for n in 0..10_000 {
        let mut p = sample::publish(Scope::Namespace(ns.id), &format!("customer-{n:05}"));
        p.script.tags = sample::tags(&[&format!("customer:{n}"), "production"]);
        s.script_publish(&p).await.unwrap();
    }
    println!("publish: {} ms cpu, {:?} wall each of 10000", (cpu() - c) / 10_000., t.elapsed() / 10_000);
    let none = ScriptFilter::default();
    let (c, t) = (cpu(), std::time::Instant::now());
    let reps: u32 = std::env::var("REPS").map_or(100, |r| r.parse().unwrap());
    for _ in 0..reps {
        let l = s.script_list(&sample::account(), Scope::Namespace(ns.id), &none, Some(&sample::name("customer-05000")), 1000).await.unwrap();
        assert_eq!(l.len(), 1000);
    }
    println!("list 1000: {} ms cpu, {:?} wall", (cpu() - c) / 100., t.elapsed() / 100);
    for (what, f) in [
        ("with one", ScriptFilter { with: sample::tags(&["customer:777"]), without: vec![] }),
        ("with two", ScriptFilter { with: sample::tags(&["production", "customer:777"]), without: vec![] }),
        ("with all", ScriptFilter { with: sample::tags(&["production"]), without: vec![] }),
        ("without", ScriptFilter { with: vec![], without: sample::tags(&["production"]) }),
    ] {
        let (c, t) = (cpu(), std::time::Instant::now());
        for _ in 0..50 {
            s.script_list(&sample::account(), Scope::Namespace(ns.id), &f, None, 1000).await.unwrap();
        }
        println!("list {what}: {} ms cpu, {:?} wall", (cpu() - c) / 50., t.elapsed() / 50);
    }
    let (c, t) = (cpu(), std::time::Instant::now());
    for _ in 0..20 {
        assert_eq!(s.routes_load().await.unwrap().1.len(), 10_000);
    }
    println!("routes 10000: {} ms cpu, {:?} wall", (cpu() - c) / 20., t.elapsed() / 20);
    let (c, t) = (cpu(), std::time::Instant::now());
    for _ in 0..1000 {
        s.script_find(&sample::account(), Scope::Namespace(ns.id), &sample::name("customer-05000")).await.unwrap();
    }
    println!("find: {} ms cpu, {:?} wall", (cpu() - c) / 1000., t.elapsed() / 1000);
}
