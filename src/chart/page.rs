//! The page around figures.

/// The style of a page: light and dark.
const STYLE: &str = include_str!("style.css");
/// The style of a drawing that stands alone.
pub(super) const ALONE: &str = "text{fill:#59636e;font-size:12px}text.title{fill:#1f2328;font-size:17px;\
    font-weight:600}text.name{fill:#1f2328}text.band{fill:#1f2328;font-size:11px}text.limit{fill:#d55e00}\
    .grid{stroke:#e6e8eb}.tick,.axis{stroke:#8c959f}line.limit{stroke:#d55e00;stroke-dasharray:5 4}\
    rect.band{fill:#f0b42933}.dot{fill:#8c959f}";

/// A page of some HTML, with everything that it needs in it.
#[must_use]
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>\
         <h1>{title}</h1>{body}</main></body></html>\n",
        title = escape(title)
    )
}

/// Text as HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
