use crate::lint::rule::{Found, rule};
use crate::lint::subject::Reading;

rule! {
    /// A template cannot be filled in.
    ///
    /// A stack file may ask for a template, one of skep or one that the repository has as `templates/<name>/stack.yml`,
    /// and give it values. There is no such template, or it has no such value, or needs one that is not given, or there
    /// is a mistake in the template itself.
    ///
    /// ```yaml bad
    /// x-skep:
    ///   template: web
    ///   values: { hots: shop.example.com, image: "shop:1" }
    /// ```
    ///
    /// ```yaml good
    /// x-skep:
    ///   template: web
    ///   values: { host: shop.example.com, image: "shop:1" }
    /// ```
    "SK1018", Error, Reading(check), Holds
}

fn check(reading: &Reading<'_>) -> Vec<Found> {
    let Reading::Template(misfits) = reading else { return Vec::new() };
    misfits.iter().cloned().map(Found::from).collect()
}
