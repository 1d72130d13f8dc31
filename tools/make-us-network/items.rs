//! What is sold: names, mass, size, class and price of every SKU.
//!
//! Mass and volume follow the published quantiles of 32,945 products of an online marketplace
//! (see `data/README.md`); the two go together most of the time, as they do there.

use super::rng::{Rng, cube_root};
use std::fmt::Write;

/// How many SKUs there are.
pub(crate) const COUNT: usize = 5000;

/// Grams and cm³ at these points of the distribution, in 1/10,000.
const QUANTILES: [(u64, u64, u64); 8] = [
    (0, 40, 300),
    (500, 107, 832),
    (2500, 300, 2880),
    (5000, 700, 6840),
    (7500, 1900, 18_480),
    (9500, 10_850, 63_371),
    (9900, 22_539, 135_924),
    (10_000, 30_000, 250_000),
];

/// From this volume on an item needs a place that ships oversize.
const OVERSIZE_CM3: u64 = 130_000;

/// Proportions of length, width and height.
const SHAPES: [[u64; 3]; 8] = [
    [10, 10, 10],
    [12, 8, 6],
    [14, 10, 4],
    [20, 15, 3],
    [16, 9, 8],
    [30, 6, 6],
    [24, 18, 5],
    [15, 12, 10],
];

const STYLES: [&str; 24] = [
    "Alder", "Basin", "Birch", "Canyon", "Cedar", "Coastal", "Copper", "Dune", "Ember", "Fjord",
    "Harbor", "Heritage", "Juniper", "Linden", "Maple", "Meadow", "Mesa", "Nova", "Orchard",
    "Prairie", "Ridge", "Sierra", "Summit", "Willow",
];
const COLOURS: [&str; 16] = [
    "Black", "Blue", "Clay", "Cream", "Forest", "Graphite", "Grey", "Indigo", "Ivory", "Moss",
    "Navy", "Plum", "Red", "Sand", "Teal", "White",
];
/// Nouns by mass: below 300 g, below 2 kg, below 10 kg, above.
const NOUNS: [&[&str]; 4] = [
    &[
        "Phone Case",
        "Card Wallet",
        "Pen Set",
        "Scarf",
        "Socks 3 Pack",
        "Key Ring",
        "Notebook",
        "Charging Cable",
        "Face Cream",
        "Soap Bar",
        "Earrings",
        "Tea Towel",
        "Bookmark Set",
        "Cork Coasters",
        "Seed Packet",
    ],
    &[
        "Mug Set",
        "Desk Lamp",
        "Throw Pillow",
        "Water Bottle",
        "Board Game",
        "Cutting Board",
        "Yoga Strap",
        "Wall Clock",
        "Backpack",
        "Bluetooth Speaker",
        "Picture Frame",
        "Sneakers",
        "Bath Towel",
        "Tool Roll",
        "Rain Jacket",
        "Storage Jar",
    ],
    &[
        "Dutch Oven",
        "Storage Chest",
        "Kettlebell",
        "Area Rug",
        "Blender",
        "Camp Tent",
        "Floor Lamp",
        "Car Seat Cover",
        "Duvet",
        "Garden Hose",
        "Toolbox",
        "Monitor Stand",
    ],
    &[
        "Office Chair",
        "Side Table",
        "Bookcase",
        "Weight Bench",
        "Dog Crate",
        "Patio Heater",
        "Bed Frame",
        "Sideboard",
        "Storage Bench",
    ],
];
const HAZMAT: [&str; 5] = [
    "Power Bank",
    "Lacquer Spray",
    "Camp Stove Fuel",
    "Perfume",
    "Paint Thinner",
];
const COLD: [&str; 4] = [
    "Gelato Sampler",
    "Cheese Board",
    "Smoked Salmon",
    "Probiotic Drink",
];

/// What a SKU is.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) sku: String,
    pub(crate) grams: u64,
    pub(crate) class: &'static str,
    name: String,
    size_mm: [u64; 3],
    value_cents: u64,
}

/// All items, ascending by SKU.
pub(crate) fn items(seed: u64) -> Vec<Item> {
    let mut rng = Rng::stream(seed, "items");
    (1..=COUNT).map(|number| item(&mut rng, number)).collect()
}

fn item(rng: &mut Rng, number: usize) -> Item {
    let at = rng.below(10_000);
    // Three quarters keep the rank of their mass, with some play; the rest are dense or bulky.
    let jitter = rng.below(1600);
    let at_volume = if rng.chance(750) {
        // Reflected at both ends, so that nothing heaps up there.
        let moved = (at + jitter).abs_diff(800);
        moved.min(2 * 9_999 - moved)
    } else {
        rng.below(10_000)
    };
    let mut grams = round_mass(between_quantiles(at, |q| q.1));
    let cm3 = between_quantiles(at_volume, |q| q.2);
    let class = match rng.below(1000) {
        _ if cm3 >= OVERSIZE_CM3 => "oversize",
        0..10 => "hazmat",
        10..16 => "cold",
        _ => "standard",
    };
    if matches!(class, "hazmat" | "cold") {
        grams = grams.min(2000);
    }
    let noun = match (class, grams) {
        ("hazmat", _) => *rng.pick(&HAZMAT),
        ("cold", _) => *rng.pick(&COLD),
        (_, ..300) => *rng.pick(NOUNS[0]),
        (_, 300..2000) => *rng.pick(NOUNS[1]),
        (_, 2000..10_000) => *rng.pick(NOUNS[2]),
        _ => *rng.pick(NOUNS[3]),
    };
    let name = format!("{} {noun} {}", rng.pick(&STYLES), rng.pick(&COLOURS));
    let size_mm = size(rng, cm3);
    Item {
        sku: format!("SKU-{number:05}"),
        grams,
        class,
        name,
        size_mm,
        value_cents: value(rng, grams),
    }
}

/// The quantity at a point of the distribution, on a straight line between two known points.
fn between_quantiles(at: u64, of: impl Fn(&(u64, u64, u64)) -> u64) -> u64 {
    let upper = QUANTILES
        .partition_point(|q| q.0 <= at)
        .min(QUANTILES.len() - 1);
    let (low, high) = (&QUANTILES[upper - 1], &QUANTILES[upper]);
    of(low) + (of(high) - of(low)) * (at - low.0) / (high.0 - low.0)
}

/// Scales read in 5 g below 1 kg and in 50 g above.
fn round_mass(grams: u64) -> u64 {
    let step = if grams < 1000 { 5 } else { 50 };
    grams.div_ceil(step) * step
}

/// Length, width and height in mm of about `cm3`, in one of the usual shapes.
fn size(rng: &mut Rng, cm3: u64) -> [u64; 3] {
    let shape = rng.pick(&SHAPES);
    let product: u64 = shape.iter().product();
    // In 1/100 mm, so that small items do not all come out alike.
    let side = cube_root(cm3 * 1_000_000_000 / product);
    shape.map(|part| (side * part).div_ceil(100).clamp(5, 2400))
}

/// A price that grows with mass, spread widely, ending in 99 or 49 cents.
fn value(rng: &mut Rng, grams: u64) -> u64 {
    let base = 600 + grams.min(4000) * 6 / 10 + grams / 4;
    let spread = [30, 45, 60, 80, 100, 100, 130, 180, 260, 420];
    let cents = base * rng.pick(&spread) / 100 + rng.below(400);
    cents / 100 * 100 + if rng.chance(700) { 99 } else { 49 }
}

/// `items.csv`.
pub(crate) fn csv(items: &[Item]) -> String {
    let mut text =
        String::from("sku,name,grams,length_mm,width_mm,height_mm,class,value_cents,ships_alone\n");
    for i in items {
        let [length, width, height] = i.size_mm;
        let alone = if i.class == "oversize" { "true" } else { "" };
        let _ = writeln!(
            text,
            "{},{},{},{length},{width},{height},{},{},{alone}",
            i.sku, i.name, i.grams, i.class, i.value_cents
        );
    }
    text
}
