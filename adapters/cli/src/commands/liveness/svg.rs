//! The timeline as a picture: a row an edge, under it what the edge worked on.

use std::fmt::{self, Write as _};

use edge_ledger_core::{
    Liveness, Millis, Thresholds, Timestamp,
    contacts::Opening,
    leases::Ended,
    timeline::{Interval, Window},
};

use super::timeline::{Row, Span};
use crate::config::Span as Time;

/// What a picture shows.
pub(super) struct Picture<'a> {
    pub(super) window: Window,
    pub(super) thresholds: &'a Thresholds,
    pub(super) openings: &'a [Opening],
    /// Up to when only summaries are there.
    pub(super) summarised: Option<Timestamp>,
    pub(super) rows: &'a [Row<'a>],
}

/// Lengths in pixels.
const WIDTH: f64 = 1_200.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 92.0;
const BAR: f64 = 18.0;
const LANE: f64 = 13.0;
const GAP: f64 = 12.0;
/// About how wide a letter of the small text is.
const LETTER: f64 = 5.6;

/// Draws a picture: an SVG document that needs nothing else.
pub(super) fn draw(picture: &Picture<'_>) -> String {
    let mut svg = String::new();
    picture.write(&mut svg).expect("a string takes all that is written to it");
    svg
}

impl Picture<'_> {
    fn write(&self, svg: &mut String) -> fmt::Result {
        let lanes: Vec<_> = self.rows.iter().map(|row| Lanes::of(&row.leases)).collect();
        let height = |lanes: &Lanes| BAR + LANE * lanes.count as f64 + GAP;
        let bottom = TOP + lanes.iter().map(height).sum::<f64>();
        let (width, height_of_all) = (WIDTH, bottom + 24.0);
        writeln!(
            svg,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height_of_all}" width="{width}" height="{height_of_all}" role="img" font-family="system-ui, sans-serif" font-size="11">"#
        )?;
        let Window { from, to } = self.window;
        writeln!(svg, "<title>Liveness of edges from {from} to {to}</title>")?;
        svg.push_str(STYLES);
        writeln!(svg, r##"<rect width="{width}" height="{height_of_all}" fill="#fff"/>"##)?;
        self.heading(svg)?;
        self.closed(svg, bottom)?;
        self.axis(svg, bottom)?;
        let mut y = TOP;
        for (row, lanes) in self.rows.iter().zip(&lanes) {
            self.row(svg, row, lanes, y)?;
            y += height(lanes);
        }
        svg.push_str("</svg>\n");
        Ok(())
    }

    /// Says what is shown, and what colours, patterns and letters mean.
    fn heading(&self, svg: &mut String) -> fmt::Result {
        let Window { from, to } = self.window;
        let Thresholds { online_within, stale_within } = *self.thresholds;
        let (online, stale) = (Time::from(online_within), Time::from(stale_within));
        writeln!(
            svg,
            r#"<text x="12" y="22" font-size="15" font-weight="bold">Liveness of edges</text>
<text x="12" y="40">{from} up to {to}; ONLINE within {online}, STALE within {stale} of silence</text>"#
        )?;
        if let Some(until) = self.summarised {
            writeln!(
                svg,
                r#"<text x="640" y="40">up to {until} from summaries, without tasks</text>"#
            )?;
        }
        let mut x = 12.0;
        for (class, label) in [
            ("online", "ONLINE"),
            ("stale", "STALE"),
            ("offline", "OFFLINE"),
            ("closed", "ledger not open"),
            ("good", "task completed"),
            ("bad", "lapsed or failed"),
            ("other", "ended otherwise"),
            ("goes-on", "goes on"),
        ] {
            let text = x + 22.0;
            writeln!(
                svg,
                r#"<rect class="{class}" x="{x}" y="52" width="16" height="12"/><text x="{text}" y="62">{label}</text>"#
            )?;
            x = text + 14.0 + label.len() as f64 * 6.4;
        }
        Ok(())
    }

    /// Marks when the ledger was not open: no silence grew then.
    fn closed(&self, svg: &mut String, bottom: f64) -> fmt::Result {
        let ends = self.openings.iter().map(|opening| opening.ended);
        let ends = [Some(self.window.from)].into_iter().chain(ends);
        let begins = self.openings.iter().map(|opening| Some(opening.began)).chain([None]);
        for (ended, begins) in ends.zip(begins) {
            let Some(ended) = ended else { continue };
            let closed = self.window.clip(ended, begins.unwrap_or(self.window.to));
            let Some(closed) = closed else { continue };
            let (x, width) = self.place(closed);
            let (y, height) = (TOP - 4.0, bottom - TOP + 4.0);
            writeln!(
                svg,
                r#"<rect class="closed" x="{x:.2}" y="{y}" width="{width:.2}" height="{height}"><title>the ledger was not open from {} to {}: no silence grew</title></rect>"#,
                closed.from, closed.to
            )?;
        }
        Ok(())
    }

    fn axis(&self, svg: &mut String, bottom: f64) -> fmt::Result {
        for tick in Ticks::of(self.window) {
            let x = self.x(tick.at);
            let (top, text, label) = (TOP - 8.0, TOP - 12.0, &tick.label);
            writeln!(
                svg,
                r#"<line class="tick" x1="{x:.2}" y1="{top}" x2="{x:.2}" y2="{bottom}"/><text x="{x:.2}" y="{text}" text-anchor="middle" font-size="10">{label}</text>"#
            )?;
        }
        Ok(())
    }

    fn row(&self, svg: &mut String, row: &Row<'_>, lanes: &Lanes, y: f64) -> fmt::Result {
        let id = row.edge.to_string();
        let name = row.name.unwrap_or(&id);
        let (shown, baseline) = (shortened(name, LEFT - 20.0), y + BAR - 5.0);
        writeln!(
            svg,
            r#"<g><title>{}, {id}</title><text x="12" y="{baseline}">{}</text></g>"#,
            Escaped(name),
            Escaped(&shown)
        )?;
        for interval in &row.intervals {
            self.interval(svg, name, interval, y)?;
        }
        for (span, lane) in row.leases.iter().zip(&lanes.of_spans) {
            self.span(svg, span, y + BAR + 1.0 + LANE * *lane as f64)?;
        }
        Ok(())
    }

    fn interval(&self, svg: &mut String, name: &str, interval: &Interval, y: f64) -> fmt::Result {
        let Interval { from, to, liveness } = *interval;
        let (x, width) = self.place(Window { from, to });
        let (span, class) = (Time::from(interval.span()), class(liveness));
        write!(
            svg,
            r#"<g><title>{} {liveness} for {span}, from {from} to {to}</title><rect class="{class}" x="{x:.2}" y="{y}" width="{width:.2}" height="{BAR}"/>"#,
            Escaped(name)
        )?;
        let label = liveness.to_string();
        if width > label.len() as f64 * 7.5 {
            let (x, y) = (x + 4.0, y + BAR - 5.0);
            write!(svg, r#"<text class="label" x="{x:.2}" y="{y}">{label}</text>"#)?;
        }
        svg.push_str("</g>\n");
        Ok(())
    }

    fn span(&self, svg: &mut String, span: &Span<'_>, y: f64) -> fmt::Result {
        let (x, width) = self.place(span.within);
        let task = span.held.task.to_string();
        let name = span.task_name.unwrap_or(&task);
        let outcome = span.outcome().unwrap_or("goes on");
        let class = class_of(span.held.end.map(|end| end.how));
        let Window { from, to } = span.within;
        let height = LANE - 3.0;
        write!(
            svg,
            r#"<g><title>{} ({}), lease {}: {outcome}, from {from} to {to}</title><rect class="{class}" x="{x:.2}" y="{y}" width="{width:.2}" height="{height}"/>"#,
            Escaped(name),
            Escaped(&task),
            span.held.granted
        )?;
        let label = shortened(&format!("{outcome}: {name}"), width - 4.0);
        if label.chars().count() >= outcome.len() {
            let (x, y) = (x + 3.0, y + height - 2.0);
            write!(svg, r#"<text class="small" x="{x:.2}" y="{y}">{}</text>"#, Escaped(&label))?;
        }
        svg.push_str("</g>\n");
        Ok(())
    }

    /// Returns where a stretch begins and how wide it is: never too narrow to be seen.
    fn place(&self, stretch: Window) -> (f64, f64) {
        let (from, to) = (self.x(stretch.from), self.x(stretch.to));
        (from, (to - from).max(0.75))
    }

    fn x(&self, at: Timestamp) -> f64 {
        let share = at.since(self.window.from).0 as f64 / self.window.span().0 as f64;
        LEFT + share * (WIDTH - LEFT - RIGHT)
    }
}

/// Colours that are told apart by those who see few, each with a pattern of its own.
const STYLES: &str = r##"<defs>
<pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#f0c14b"/><rect width="2" height="6" fill="#b88a12"/></pattern>
<pattern id="cross" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#e9a19a"/><path d="M0 0L6 6M6 0L0 6" stroke="#a4281d" stroke-width="1.2"/></pattern>
<pattern id="shut" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="#eceff1"/><rect width="1.5" height="5" fill="#b0bec5"/></pattern>
<pattern id="dots" width="4" height="4" patternUnits="userSpaceOnUse"><rect width="4" height="4" fill="#f6c6c1"/><circle cx="2" cy="2" r="1" fill="#a4281d"/></pattern>
</defs>
<style>
.online{fill:#3d9a6c}.stale{fill:url(#stripes)}.offline{fill:url(#cross)}.closed{fill:url(#shut);fill-opacity:.7}
.good{fill:#bfe3d0;stroke:#2b7350}.bad{fill:url(#dots);stroke:#a4281d}.other{fill:#d9dee2;stroke:#607d8b}.goes-on{fill:#cfe2f7;stroke:#2f6fb3;stroke-dasharray:3 2}
.label{fill:#fff;font-weight:bold;paint-order:stroke;stroke:#222;stroke-width:2.5}.small{font-size:9px;fill:#222}.tick{stroke:#cfd8dc}
</style>
"##;

const fn class(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Online => "online",
        Liveness::Stale => "stale",
        Liveness::Offline => "offline",
    }
}

const fn class_of(ended: Option<Ended>) -> &'static str {
    match ended {
        Some(Ended::Completed) => "good",
        Some(Ended::Lapsed | Ended::AttemptFailed | Ended::Failed(_)) => "bad",
        Some(Ended::Otherwise(_) | Ended::Cancelled) => "other",
        None => "goes-on",
    }
}

/// Which lane each lease of an edge is in: leases at the same time lie under each other.
struct Lanes {
    of_spans: Vec<usize>,
    count: usize,
}

impl Lanes {
    fn of(spans: &[Span<'_>]) -> Self {
        let mut ends: Vec<Timestamp> = Vec::new();
        let mut of_spans = Vec::new();
        for Window { from, to } in spans.iter().map(|span| span.within) {
            let free = ends.iter().position(|end| *end <= from);
            let lane = free.unwrap_or(ends.len());
            match free {
                Some(lane) => ends[lane] = to,
                None => ends.push(to),
            }
            of_spans.push(lane);
        }
        Self { of_spans, count: ends.len() }
    }
}

/// A place on the axis of time.
struct Tick {
    at: Timestamp,
    label: String,
}

struct Ticks;

impl Ticks {
    /// Chooses round times, at most a dozen.
    fn of(window: Window) -> Vec<Tick> {
        const MOST: u64 = 11;
        const DAY: u64 = 86_400_000;
        let round = [
            1,
            10,
            100,
            1_000,
            5_000,
            15_000,
            60_000,
            300_000,
            900_000,
            3_600_000,
            10_800_000,
            21_600_000,
            DAY,
            7 * DAY,
            30 * DAY,
        ];
        let fits = |step: &u64| window.span().0 / step < MOST;
        let step = round.into_iter().find(fits).unwrap_or_else(|| window.span().0 / MOST + 1);
        let begin = window.from.as_millis();
        let signed = i64::try_from(step).unwrap_or(i64::MAX);
        let first = begin + (signed - begin.rem_euclid(signed)) % signed;
        let ticks = (0..=MOST).map(|nth| Timestamp::from_millis(first).after(Millis(nth * step)));
        let label = |at: Timestamp| {
            let text = at.to_string();
            match step {
                ..1_000 => text.get(11..23),
                1_000..60_000 => text.get(11..19),
                60_000..DAY => text.get(5..16),
                DAY.. => text.get(..10),
            }
            .map(|part| part.replace('T', " "))
            .unwrap_or(text)
        };
        ticks.take_while(|at| *at <= window.to).map(|at| Tick { at, label: label(at) }).collect()
    }
}

/// Cuts a text to about a width.
fn shortened(text: &str, width: f64) -> String {
    let most = (width / LETTER).max(0.0) as usize;
    match text.chars().count() {
        count if count <= most => text.to_owned(),
        _ => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A text from elsewhere, as a document may have it between tags: what would be markup is spelt
/// out, and what may not be in a document at all is replaced.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in self.0.chars() {
            match found {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\t' | '\n' | '\r' => f.write_char(' ')?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                found if found.is_control() => f.write_char('\u{fffd}')?,
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_char('\u{fffd}')?,
                found => f.write_char(found)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use edge_ledger_core::EdgeId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_name_is_never_markup() {
        let name = "</title><script>alert('x')</script>\u{202e}\u{1b}[0m & \"co\"";
        let row = Row {
            edge: EdgeId::from_uuid(Uuid::nil()),
            name: Some(name),
            intervals: vec![Interval { from: ms(0), to: ms(90_000), liveness: Liveness::Online }],
            leases: vec![],
        };

        let svg = drawn(&[row]);

        assert!(!svg.contains("<script"), "{svg}");
        assert!(svg.contains("&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)"), "{svg}");
        assert!(!svg.contains(|found: char| found.is_control() && found != '\n'), "{svg}");
    }

    #[test]
    fn every_state_has_a_pattern_or_a_word_beside_its_colour() {
        let svg = drawn(&[]);

        for class in ["online", "stale", "offline", "closed", "good", "bad", "other", "goes-on"] {
            assert!(svg.contains(&format!("class=\"{class}\"")), "the legend shows {class}");
            assert!(svg.contains(&format!(".{class}{{")), "{class} has a style");
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        for span in [1, 999, 60_000, 3_600_000, 86_400_000, 31 * 86_400_000, 4_000_000_000_000] {
            let window = Window { from: ms(1_700_000_000_123), to: ms(1_700_000_000_123 + span) };

            let ticks = Ticks::of(window);

            assert!(ticks.len() <= 12, "{span}");
            assert!(ticks.iter().all(|tick| window.from <= tick.at && tick.at <= window.to));
        }
    }

    fn drawn(rows: &[Row<'_>]) -> String {
        let thresholds = Thresholds::default();
        let opening = Opening { began: ms(0), earlier: false, ended: Some(ms(60_000)) };
        draw(&Picture {
            window: Window { from: ms(0), to: ms(90_000) },
            thresholds: &thresholds,
            openings: &[opening],
            summarised: None,
            rows,
        })
    }

    const fn ms(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }
}
