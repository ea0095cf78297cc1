//! Statements with as many places for values as a group has rows. Groups of the same shape share one text, which SQLite
//! has prepared already.

use std::sync::Arc;

use sqlx::error::BoxDynError;
use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::{Arguments, Encode, Type};

/// How many rows a group has in each table. Tables that come as one list have a row or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowCounts {
    pub(crate) jobs: usize,
    pub(crate) items: usize,
    pub(crate) keys: bool,
    pub(crate) warnings: bool,
    pub(crate) hosts: bool,
}

impl RowCounts {
    fn rows(self, table: &str) -> usize {
        match table {
            "jobs" => self.jobs,
            "items" => self.items,
            "keys" => usize::from(self.keys),
            "warnings" => usize::from(self.warnings),
            "hosts" => usize::from(self.hosts),
            _ => 1,
        }
    }

    /// Fills a template's `{TABLE COLUMNS}` in. Lines of remarks are left out; a statement ends at a semicolon.
    pub(crate) fn fill(self, template: &str) -> String {
        let lines: Vec<&str> = template.lines().filter(|line| !line.starts_with("--")).collect();
        let template = lines.join("\n");
        let mut text = String::with_capacity(template.len() + 2 * (24 * self.jobs + 12 * self.items));
        for statement in template.split_inclusive(';') {
            let Some((before, rest)) = statement.split_once('{') else {
                text.push_str(statement);
                continue;
            };
            let (marker, after) = rest.split_once('}').unwrap_or((rest, ""));
            let (table, columns) = marker.split_once(' ').unwrap_or((marker, "1"));
            let rows = self.rows(table);
            if rows > 0 {
                text.push_str(before);
                push_places(&mut text, rows, columns.parse().unwrap_or(1));
                text.push_str(after);
            }
        }
        text
    }
}

/// `?` for one value of one row, `(?,?),(?,?)` for more.
fn push_places(text: &mut String, rows: usize, columns: usize) {
    if columns == 1 {
        text.push('?');
        return;
    }
    for row in 0..rows {
        text.push_str(if row == 0 { "(?" } else { ",(?" });
        for _ in 1..columns {
            text.push_str(",?");
        }
        text.push(')');
    }
}

/// Values in the order of their places.
pub(crate) struct BoundValues {
    arguments: SqliteArguments,
    fault: Option<BoxDynError>,
}

impl BoundValues {
    /// None yet, but room for about as many as the rows have, so that the list is not moved again and again.
    pub(crate) fn with_room(shape: RowCounts) -> Self {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(20 * shape.jobs + 10 * shape.items + 8, 0);
        Self { arguments, fault: None }
    }

    pub(crate) fn push<'v, T: Encode<'v, Sqlite> + Type<Sqlite>>(&mut self, value: T) {
        if let Err(fault) = self.arguments.add(value) {
            self.fault.get_or_insert(fault);
        }
    }

    /// As one allocation; sqlx makes two of a text that is not shared.
    pub(crate) fn push_text(&mut self, text: &str) {
        self.push(Arc::<str>::from(text));
    }

    /// # Errors
    /// A value could not be encoded.
    pub(crate) fn bound(self) -> Result<SqliteArguments, sqlx::Error> {
        self.fault.map_or(Ok(self.arguments), |fault| Err(sqlx::Error::Encode(fault)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_a_place_for_each_value_and_is_left_out_without_rows() {
        let template =
            "begin;\n-- {TABLE COLUMNS}; more.\ninsert into jobs values {jobs 2};\ninsert {keys 1};\ninsert {items 3};";
        let shape = RowCounts { jobs: 2, items: 0, keys: true, warnings: false, hosts: false };
        assert_eq!(shape.fill(template), "begin;\ninsert into jobs values (?,?),(?,?);\ninsert ?;");
    }
}
