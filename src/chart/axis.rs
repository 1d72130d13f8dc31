//! Values to places on a page, with round ticks.

/// How a scale is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from 0.
    Linear,
    /// Evenly, with round ends around all values.
    Around,
    /// By powers of ten.
    Log,
}

/// A range of values on a range of a page.
pub(super) struct Axis {
    pub(super) scale: Scale,
    pub(super) low: f64,
    pub(super) high: f64,
    from: f64,
    to: f64,
    pub(super) step: f64,
}

impl Axis {
    /// The axis of `values`, which lie between `from` and `to` on the page.
    pub(super) fn new(
        scale: Scale,
        values: impl Iterator<Item = f64> + Clone,
        from: f64,
        to: f64,
    ) -> Self {
        let positive = values.clone().filter(|v| *v > 0.0);
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let (low, high, step) = match scale {
            Scale::Linear => {
                let most = values.fold(0.0f64, f64::max).max(1e-9);
                let least = least.min(0.0);
                let high = most + 0.05 * (most - least);
                let low = if least < 0.0 { least * 1.05 } else { 0.0 };
                (low, high, round_step(high - low))
            }
            Scale::Around => {
                let most = values.fold(f64::NEG_INFINITY, f64::max);
                let (least, most) = if least > most {
                    (0.0, 1.0)
                } else {
                    (least, most)
                };
                let step = round_step((most - least).max(most.abs() * 0.05).max(0.01));
                let low = ((least - 0.4 * step) / step).floor() * step;
                (low, ((most + 0.4 * step) / step).ceil() * step, step)
            }
            Scale::Log => {
                let most = values.fold(0.0f64, f64::max).max(1e-9);
                let least = positive.fold(f64::INFINITY, f64::min).min(most);
                // A decade at least, so that a flat line is not drawn as noise.
                let (low, high) = (least / 1.2, most * 1.2);
                let (low, high) = if high / low < 10.0 {
                    ((low * high).sqrt() / 3.2, (low * high).sqrt() * 3.2)
                } else {
                    (low, high)
                };
                (low, high, 1.0)
            }
        };
        Self {
            scale,
            low,
            high,
            from,
            to,
            step,
        }
    }

    /// Where a value lies.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear | Scale::Around => (value - self.low) / (self.high - self.low),
            Scale::Log => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round values along it.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.scale == Scale::Log {
            return self.powers();
        }
        let first = (self.low / self.step - 0.01).ceil() as i64;
        let last = (self.high / self.step + 0.01).floor() as i64;
        let ticks = (first..=last.min(first + 64)).map(|n| n as f64 * self.step);
        ticks.collect()
    }

    fn powers(&self) -> Vec<f64> {
        let decades = (self.high / self.low).log10();
        let inside: &[f64] = if decades < 2.5 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        (first..=last)
            .flat_map(|power| inside.iter().map(move |times| times * 10f64.powi(power)))
            .filter(|tick| (self.low..=self.high).contains(tick))
            .collect()
    }

    /// A tick with as many decimals as its step has.
    pub(super) fn shown(&self, tick: f64) -> String {
        let decimals = match self.step {
            s if s >= 1.0 && s.fract() == 0.0 => 0,
            s if s >= 0.1 && (s * 10.0).fract() < 1e-9 => 1,
            _ => 2,
        };
        format!("{tick:.decimals$}")
    }
}

/// A round step of which four to ten make up a span.
fn round_step(span: f64) -> f64 {
    let rough = span / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|times| times * power);
    steps.into_iter().find(|s| *s >= rough).unwrap_or(rough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_ends_around_all_values() {
        let axis = Axis::new(Scale::Around, [1.23, 4.56].into_iter(), 0.0, 100.0);
        assert_eq!((axis.low, axis.high, axis.step), (0.0, 5.0, 1.0));
        assert!(axis.place(1.23) > 0.0 && axis.place(4.56) < 100.0);
        let same = Axis::new(Scale::Around, [2.0, 2.0].into_iter(), 0.0, 100.0);
        assert!(same.low < 2.0 && same.high > 2.0 && same.ticks().len() < 12);
    }

    #[test]
    fn a_linear_axis_begins_at_nothing_unless_something_is_below() {
        let axis = Axis::new(Scale::Linear, [7.0, 9.0].into_iter(), 0.0, 100.0);
        assert_eq!(axis.place(0.0), 0.0);
        assert_eq!(axis.ticks().first(), Some(&0.0));
        let below = Axis::new(Scale::Linear, [-5.0, 9.0].into_iter(), 0.0, 100.0);
        assert!(below.low <= -5.0 && below.ticks().contains(&0.0));
    }

    #[test]
    fn a_flat_line_on_a_logarithmic_axis_has_a_decade() {
        let axis = Axis::new(Scale::Log, [50.0].into_iter(), 0.0, 100.0);
        assert!(axis.high / axis.low > 9.9 && !axis.ticks().is_empty());
    }
}
