//! Runs this program under callgrind and reads what it writes (its manual, chapter "Callgrind Format Specification").

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Beyond this it hangs. It takes some fifteen seconds of a core.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs one test of this program, and counts the instructions of its own code, the Rust libraries in it with it, within
/// each call of a function, in their order. `variable`: for its environment. `None`: there is no valgrind here.
pub fn run(test: &str, function: &str, variable: (&str, &Path)) -> Option<Vec<u64>> {
    Command::new("valgrind").arg("--version").output().ok().filter(|output| output.status.success())?;
    let (program, folder) = (std::env::current_exe().unwrap(), tempfile::tempdir().unwrap());
    let out = folder.path().join("out");
    let mut command = Command::new("valgrind");
    command.args(["-q", "--tool=callgrind", "--compress-strings=no", "--compress-pos=no", "--combine-dumps=no"]);
    command.arg(format!("--toggle-collect={function}")).arg(format!("--dump-after={function}"));
    command.arg(format!("--callgrind-out-file={}", out.display())).arg(&program);
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).env(variable.0, variable.1);
    let errors = folder.path().join("errors");
    // Access lines go to stdout.
    command.stdout(Stdio::null()).stderr(std::fs::File::create(&errors).unwrap());
    let (mut child, began) = (command.spawn().unwrap(), Instant::now());
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            panic!("callgrind did not end within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status.success(), "{status}: {}", std::fs::read_to_string(errors).unwrap_or_default());
    let dumps = (1..).map(|number| folder.path().join(format!("out.{number}")));
    let dumps = dumps.map_while(|dump| std::fs::read_to_string(dump).ok());
    // The last one is of the program's end, after all calls.
    let dumps = dumps.filter(|text| text.contains("--dump-after"));
    Some(dumps.map(|text| read(&text, &program)).collect())
}

/// Sums what a dump says: the costs of a function's own lines count for the object that it is of.
fn read(dump: &str, program: &Path) -> u64 {
    let program = program.to_str().unwrap_or_default();
    let (mut sum, mut ours, mut is_call) = (0, false, false);
    for line in dump.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            ours = object == program;
        } else if line.starts_with("calls=") {
            // The next line is what the call cost, which is counted where it was spent.
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok()).unwrap_or(0);
            if !std::mem::take(&mut is_call) && ours {
                sum += cost;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_lines_of_our_object_are_summed() {
        let dump = "version: 1\nevents: Ir\n\nob=/bin/us\nfl=???\nfn=a\n0 5\ncob=/lib/libc.so.6\ncfn=malloc\n\
                    calls=3 0\n0 300\ncfn=b\ncalls=1 0\n0 70\n0 2\n\nob=/lib/libc.so.6\nfn=malloc\n0 300\n\n\
                    ob=/bin/us\nfn=b\n0 70\n\ntotals: 377\n";
        assert_eq!(read(dump, Path::new("/bin/us")), 77);
    }
}
