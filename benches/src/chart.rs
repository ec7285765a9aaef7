//! Plots of the page, as SVG that is part of it: no script, nothing from elsewhere, and colours by the page's own
//! classes, so that they follow its light and dark.

use std::fmt::Write as _;

/// Whose bar it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ours,
    Baseline,
    Peer,
}

impl Kind {
    /// The class of its bars.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Baseline => "baseline",
            Self::Peer => "peer",
        }
    }
}

/// A bar, with a mark where the best round was.
#[derive(Debug, Clone)]
pub struct Bar {
    pub name: String,
    pub kind: Kind,
    pub value: f64,
    pub mark: Option<f64>,
}

/// Pixels; the page scales the whole.
const WIDTH: f64 = 860.0;
const NAMES: f64 = 240.0;
/// What is left for the value behind the longest bar.
const VALUES: f64 = 80.0;
const STEP: f64 = 26.0;
const BAR: f64 = 16.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;

/// Lying bars from zero, one below the other. `unit` is what the values are in.
pub fn bars(title: &str, unit: &str, bars: &[Bar]) -> String {
    let most = bars.iter().flat_map(|bar| [bar.value, bar.mark.unwrap_or(0.0)]).fold(0.0, f64::max);
    let step = step(most);
    // The axis ends at a tick.
    let end = (most / step).ceil().max(1.0) * step;
    let scale = (WIDTH - NAMES - VALUES) / end;
    let height = TOP + STEP * bars.len() as f64 + BOTTOM;
    let foot = height - BOTTOM;
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}, {}\">\n",
        escape(title),
        escape(unit)
    );
    let mut tick = 0.0;
    while tick <= end * 1.000_001 {
        let x = NAMES + tick * scale;
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{foot}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            foot + 16.0,
            number(tick),
        );
        tick += step;
    }
    let _ = writeln!(svg, "<text class=\"tick\" x=\"0\" y=\"{:.1}\">{}</text>", foot + 16.0, escape(unit));
    for (place, bar) in bars.iter().enumerate() {
        let top = TOP + STEP * place as f64;
        let (y, text, width) = (top + (STEP - BAR) / 2.0, top + STEP / 2.0 + 4.5, bar.value.max(0.0) * scale);
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"{}\" x=\"{NAMES}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>",
            NAMES - 10.0,
            escape(&bar.name),
            bar.kind.class(),
        );
        if let Some(mark) = bar.mark {
            let x = NAMES + mark.max(0.0) * scale;
            let _ =
                write!(svg, "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y:.1}\" y2=\"{:.1}\"/>", y + BAR);
        }
        let after = NAMES + width.max(bar.mark.unwrap_or(0.0) * scale) + 6.0;
        let _ = writeln!(svg, "<text class=\"value\" x=\"{after:.1}\" y=\"{text:.1}\">{}</text>", number(bar.value));
    }
    svg + "</svg>\n"
}

/// Bars that one axis can show: those are set apart that would make the others too short to be seen. Within each part
/// they keep their order. A baseline is no reason for a part.
pub fn parts(bars: Vec<Bar>) -> Vec<Vec<Bar>> {
    const GAP: f64 = 10.0;
    let mut values: Vec<f64> = bars.iter().filter(|bar| bar.kind != Kind::Baseline).map(|bar| bar.value).collect();
    values.sort_by(f64::total_cmp);
    // The least value of each part but the first.
    let starts: Vec<f64> = values.windows(2).filter(|two| two[1] > GAP * two[0]).map(|two| two[1]).collect();
    let mut parts = vec![Vec::new(); starts.len() + 1];
    for bar in bars {
        // As many as begin below it; a baseline is low, wherever it is.
        parts[starts.iter().filter(|start| bar.value >= **start).count()].push(bar);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// How much of what a goal allows is used: a bar, and a line where it ends. What is far beyond it is cut off.
pub fn gauge(used: f64) -> String {
    const WIDE: f64 = 120.0;
    const ENDS: f64 = 80.0;
    let width = (used * ENDS).clamp(0.0, WIDE);
    let class = if used <= 1.0 { "holds" } else { "misses" };
    format!(
        "<svg class=\"gauge\" viewBox=\"0 0 {WIDE} 14\" aria-hidden=\"true\">\
         <rect class=\"groove\" x=\"0\" y=\"3\" width=\"{WIDE}\" height=\"8\" rx=\"2\"/>\
         <rect class=\"{class}\" x=\"0\" y=\"3\" width=\"{width:.1}\" height=\"8\" rx=\"2\"/>\
         <line class=\"mark\" x1=\"{ENDS}\" x2=\"{ENDS}\" y1=\"0\" y2=\"14\"/></svg>"
    )
}

/// Between two ticks: 1, 2 or 5 of some power of ten, so that there are four to nine of them.
fn step(most: f64) -> f64 {
    if !most.is_finite() || most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf((most / 5.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| most / step <= 7.0).unwrap_or(power)
}

/// As many digits as such a figure holds.
pub fn number(figure: f64) -> String {
    let digits = match figure.abs() {
        0.0 => 0,
        size if size < 1.0 => 3,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => return crate::targets::thousands(figure.round()),
    };
    let text = format!("{figure:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Text in HTML and SVG: what servers answered is shown too.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML has no such characters.
            c if c.is_control() && c != '\n' && c != '\t' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, value: f64) -> Bar {
        Bar { name: name.into(), kind: Kind::Ours, value, mark: Some(value / 2.0) }
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let svg = bars("hello", "µs", &[bar("a", 40.0), bar("<b>", 10.0), bar("none", 0.0)]);
        // 540 pixels for 0 to 40.
        assert!(svg.contains("x=\"240\" y=\"13.0\" width=\"540.0\""), "{svg}");
        assert!(svg.contains("width=\"135.0\""), "{svg}");
        assert!(svg.contains("width=\"0.0\""), "{svg}");
        assert!(svg.contains("&lt;b&gt;") && !svg.contains("<b>"), "{svg}");
        // Marks at half: 270 and 67.5 behind the names.
        assert!(svg.contains("x1=\"510.0\"") && svg.contains("x1=\"307.5\""), "{svg}");
    }

    #[test]
    fn what_one_axis_cannot_show_is_set_apart() {
        let base = Bar { kind: Kind::Baseline, ..bar("base", 0.1) };
        let all = vec![bar("first", 5_000.0), base, bar("a", 90.0), bar("b", 40.0), bar("more", 9_000.0)];
        let names: Vec<Vec<_>> =
            parts(all).into_iter().map(|part| part.into_iter().map(|bar| bar.name).collect()).collect();
        assert_eq!(names, [vec!["base", "a", "b"], vec!["first", "more"]]);
        assert_eq!(parts(vec![bar("a", 1.0), bar("b", 10.0), bar("c", 99.0)]).len(), 1);
        assert!(parts(Vec::new()).is_empty());
    }

    #[test]
    fn a_chart_of_nothing_is_whole() {
        for svg in [bars("none", "µs", &[]), bars("zero", "µs", &[Bar { mark: None, ..bar("zero", 0.0) }])] {
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        for most in [0.003, 0.9, 1.0, 4.2, 37.0, 99.0, 101.0, 5_000.0, 1_234_567.0] {
            let step = step(most);
            let ticks = (most / step).ceil();
            assert!((3.0..=7.0).contains(&ticks), "{most}: {ticks} of {step}");
        }
        assert_eq!([step(0.0), step(f64::NAN), step(40.0), step(12.0)], [1.0, 1.0, 10.0, 2.0]);
    }

    #[test]
    fn a_gauge_ends_where_the_page_does() {
        assert!(gauge(0.5).contains("class=\"holds\" x=\"0\" y=\"3\" width=\"40.0\""));
        assert!(gauge(1.01).contains("class=\"misses\""));
        assert!(gauge(f64::INFINITY).contains("class=\"misses\" x=\"0\" y=\"3\" width=\"120.0\""));
    }

    #[test]
    fn figures_are_short() {
        let all = [0.0, 0.2304, 1.25, 4.0, 39.96, 40.04, 123.4, 5_000.0].map(number);
        assert_eq!(all, ["0", "0.23", "1.25", "4", "40", "40", "123", "5,000"]);
    }
}
