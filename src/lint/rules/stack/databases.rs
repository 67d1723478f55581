//! Well-known images that keep data.

use crate::name::ImageReference;
use crate::stack::file::Service;

/// The last part of each image's name, and the port that it listens on.
const KNOWN: [(&str, u16); 22] = [
    ("postgres", 5432),
    ("postgresql", 5432),
    ("postgis", 5432),
    ("timescaledb", 5432),
    ("mysql", 3306),
    ("mysql-server", 3306),
    ("mariadb", 3306),
    ("percona", 3306),
    ("mongo", 27017),
    ("mongodb", 27017),
    ("redis", 6379),
    ("valkey", 6379),
    ("memcached", 11211),
    ("elasticsearch", 9200),
    ("opensearch", 9200),
    ("influxdb", 8086),
    ("clickhouse-server", 8123),
    ("couchdb", 5984),
    ("neo4j", 7687),
    ("etcd", 2379),
    ("mssql", 1433),
    ("oracle-xe", 1521),
];

/// The database that a service runs, and its port; `None` unless the image is well known.
pub(super) fn database(service: &Service) -> Option<(&'static str, u16)> {
    let image = service.image.as_ref()?;
    let name = ImageReference::of(image).base();
    KNOWN.into_iter().find(|(known, _)| *known == name)
}
