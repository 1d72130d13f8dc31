//! Values as short words for an axis.

fn digits(value: f64) -> String {
    if value.abs() < 10.0 && value.fract().abs() > 0.04 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// As it is, with one decimal where it is small.
#[must_use]
pub fn plain(value: f64) -> String {
    if value.abs() < 10.0 && value.fract().abs() > 0.0 {
        return format!("{value:.1}");
    }
    format!("{value:.0}")
}

/// A count: 12 k, 3.4 M.
#[must_use]
pub fn rate_of(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{} M", digits(v / 1e6)),
        v if v >= 1e4 => format!("{} k", digits(v / 1e3)),
        v => digits(v),
    }
}

/// Nanoseconds.
#[must_use]
pub fn time_of(nanos: f64) -> String {
    match nanos {
        n if n < 1e3 => format!("{} ns", digits(n)),
        n if n < 1e6 => format!("{} µs", digits(n / 1e3)),
        n if n < 1e9 => format!("{} ms", digits(n / 1e6)),
        n => format!("{} s", digits(n / 1e9)),
    }
}

/// Money, of cents, in whole units of the currency: three digits that count.
#[must_use]
pub fn money_of(cents: f64) -> String {
    let whole = cents / 100.0;
    let short = |v: f64| match v.abs() {
        a if a >= 100.0 => format!("{v:.0}"),
        a if a >= 10.0 => format!("{v:.1}"),
        _ => format!("{v:.2}"),
    };
    match whole.abs() {
        w if w >= 1e6 => format!("{} M", short(whole / 1e6)),
        w if w >= 1e4 => format!("{} k", short(whole / 1e3)),
        w if w >= 10.0 || w == 0.0 => format!("{whole:.0}"),
        _ => format!("{whole:.2}"),
    }
}

/// Percent, with as many decimals as it takes.
#[must_use]
pub fn share_of(percent: f64) -> String {
    match percent.abs() {
        p if p >= 10.0 || p == 0.0 => format!("{percent:.0} %"),
        p if p >= 1.0 => format!("{percent:.1} %"),
        _ => format!("{percent:.2} %"),
    }
}
