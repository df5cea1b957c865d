//! The demonstration cleans up after itself. That it ends well is shown by running it.

use std::{fs, path::Path, process::Stdio};

use crate::house::{House, edge_ledger, ended, eventually};

#[test]
fn an_interrupted_demonstration_leaves_nothing_behind() {
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(130)), ("KILL", None)] {
        let house = House::empty();
        let place = house.path("");
        let told = fs::File::create(house.path("told")).unwrap();
        let mut command = edge_ledger();
        command.arg("demo").env("TMPDIR", &place).stdout(Stdio::null()).stderr(told);
        let mut demo = command.spawn().unwrap();
        eventually("an agent is at work", || {
            fs::read_to_string(house.path("told")).unwrap().contains("is leased to")
        });
        assert_eq!(processes_at(&place), 4, "a gateway and three agents");

        assert_eq!(ended(&mut demo, signal), code, "{signal}");
        eventually("its processes have ended", || processes_at(&place) == 0);
        let left = fs::read_dir(&place).unwrap().count();
        // Nobody who is killed can clean up.
        assert_eq!(left, if signal == "KILL" { 2 } else { 1 }, "{signal}");
    }
}

/// Counts the processes that were given a path below this one.
fn processes_at(place: &Path) -> usize {
    let place = place.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let arguments = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&arguments).contains(place).then_some(())
    });
    processes.count()
}
