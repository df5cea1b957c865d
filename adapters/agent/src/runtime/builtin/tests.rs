use serde_json::value::RawValue;

use super::*;

async fn reports(task: &str) -> Vec<Report> {
    let json = RawValue::from_string(task.to_owned()).unwrap();
    let job = Job { task_id: "t1".to_owned(), lease_token: 9, attempt: 1, json };
    let mut work = Builtin::default().start(job);
    let mut reports = Vec::new();
    while let Some(report) = work.next().await {
        reports.push(report);
    }
    reports
}

fn rows(reports: &[Report]) -> Vec<String> {
    let row = |report: &Report| match report {
        Report::Row(row) => Some(serde_json::to_string(row).unwrap()),
        Report::Progress(_) | Report::Complete { .. } | Report::Failed { .. } => None,
    };
    reports.iter().filter_map(row).collect()
}

fn best(reports: &[Report]) -> &[String] {
    match reports.last() {
        Some(Report::Complete { best_config_ids }) => best_config_ids,
        other => panic!("expected the work to be complete, found {other:?}"),
    }
}

fn failure(reports: &[Report]) -> &str {
    match reports {
        [.., Report::Failed { error, retryable: false }] => error,
        other => panic!("expected the work to have failed for good, found {other:?}"),
    }
}

fn task(strategy: &str, params: &str, metrics: &str, more: &str) -> String {
    format!(
        r#"{{"id":"t1","symbol":"SPX","interval":"1d","searchStrategy":"{strategy}",
        "optimizationParams":{params},"optimizationMetrics":{metrics},"trials":20,
        "prices":[100,110,121,108.9,119.79,95.832,105.4152]{more}}}"#
    )
}

#[tokio::test]
async fn a_grid_reports_every_configuration_in_order_and_the_best_three() {
    // Moves: 10, 10, -10, 10, -20, 10. Opened at moves of 10 gain 10, -10, -20.
    let task = task("grid", r#"{"stopLossPct":[50,5],"takeProfitPct":[4,8]}"#, "[]", "");

    let reports = reports(&task).await;

    let rows = rows(&reports);
    assert_eq!(rows.len(), 4);
    assert!(
        rows[0].starts_with(
            r#"{"configId":"t1_cfg_0","strategyConfig":{"stopLossPct":50,"takeProfitPct":4},"metrics":{"totalTrades":3,"winningTrades":1,"#
        ),
        "{}",
        rows[0]
    );
    assert!(rows[3].contains(r#""strategyConfig":{"stopLossPct":5,"takeProfitPct":8}"#));
    // Sums: -26, -22, -6, -2.
    assert_eq!(best(&reports), ["t1_cfg_3", "t1_cfg_2", "t1_cfg_1"]);
}

#[tokio::test]
async fn the_last_progress_before_the_verdict_counts_every_configuration() {
    let reports = reports(&task("grid", r#"{"feePct":[0,1,2]}"#, "[]", "")).await;

    let [.., Report::Progress(progress), Report::Complete { .. }] = &reports[..] else {
        panic!("expected progress and a verdict at the end, found {reports:?}");
    };
    assert_eq!((progress.processed, progress.total), (3, 3));
}

#[tokio::test]
async fn the_first_trial_offsets_the_numbers_of_configurations() {
    let grid = task("grid", r#"{"feePct":[0,1]}"#, "[]", r#","startTrial":7"#);
    let study = task("optuna", r#"{"feePct":[0,1]}"#, "[]", r#","startTrial":7,"seed":1"#);

    let (grid, study) = (reports(&grid).await, reports(&study).await);

    assert_eq!(best(&grid), ["t1_cfg_7", "t1_cfg_8"]);
    assert!(rows(&study)[0].starts_with(r#"{"configId":"t1_trial_7","#));
    assert_eq!(rows(&study).len(), 20);
}

#[tokio::test]
async fn a_seeded_search_measures_the_same_rows_again() {
    let range = r#"{"takeProfitPct":{"min":0,"max":9},"stopLossPct":{"low":1,"high":9,"step":1}}"#;
    let task = task("optuna", range, r#"["totalPnlPercent"]"#, r#","seed":42"#);

    let (once, again) = (reports(&task).await, reports(&task).await);

    assert_eq!(rows(&once), rows(&again));
    assert_eq!(best(&once), best(&again));
    assert_eq!(rows(&once).len(), 20);
}

#[tokio::test]
async fn a_ranking_by_losses_puts_the_fewest_first() {
    let task = task("grid", r#"{"entryThresholdPct":[0,50]}"#, r#"["losingTrades"]"#, "");

    assert_eq!(best(&reports(&task).await), ["t1_cfg_1", "t1_cfg_0"]);
}

#[tokio::test]
async fn no_prices_make_rows_without_trades() {
    let task = task("grid", r#"{"feePct":[0,1]}"#, r#"["sharpeRatio"]"#, "")
        .replace("[100,110,121,108.9,119.79,95.832,105.4152]", "[]");

    let reports = reports(&task).await;

    assert!(rows(&reports)[1].contains(r#""totalTrades":0"#));
    assert_eq!(best(&reports), ["t1_cfg_0", "t1_cfg_1"]);
}

#[tokio::test]
async fn what_cannot_be_optimised_fails_for_good_and_says_why() {
    for (task, reason) in [
        (r#"{"id":"t1","payload":{}}"#.to_owned(), "the built-in runtime works on optimisations"),
        (task("grid", r#"{"feePct":3}"#, "[]", ""), "optimizationParams.feePct: expected an array"),
        (task("grid", r#"{"feePct":[-3]}"#, "[]", ""), "optimizationParams.feePct: expected 0 or"),
        (task("grid", "{}", r#"["alpha"]"#, ""), "optimizationMetrics: `alpha` is not measured"),
        (task("grid", "{}", "[]", "").replace("[100,", "[-1,"), "prices[0]: expected a price"),
    ] {
        let reports = reports(&task).await;
        assert!(failure(&reports).starts_with(reason), "{reports:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_work_ends_without_a_verdict() {
    let many = (0..900).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let params = format!(r#"{{"feePct":[{many}],"stopLossPct":[{many}]}}"#);
    let json = RawValue::from_string(task("grid", &params, "[]", "")).unwrap();
    let job = Job { task_id: "t1".to_owned(), lease_token: 9, attempt: 1, json };

    let mut work = Builtin::default().start(job);
    work.next().await.unwrap();
    work.stop();

    let mut later = Vec::new();
    while let Some(report) = work.next().await {
        later.push(report);
    }
    assert!(later.len() <= 300, "{} reports after the stop", later.len());
    assert!(!matches!(later.last(), Some(Report::Complete { .. } | Report::Failed { .. })));
}
