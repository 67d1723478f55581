use crate::lint::rule::{Found, rule};
use crate::lint::subject::Reading;

rule! {
    /// A template cannot be applied.
    ///
    /// A stack file may use a template, one of skep's or `templates/<name>/stack.yml` of the repository,
    /// with values. The template or a value does not exist, a required value is missing, or there
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
