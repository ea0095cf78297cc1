//! Faults as the world shows them, and what has to be said of each.

mod causes_ranked;
mod collect;
mod doc_list;
mod fixtures;
mod origin_and_edge_faults;
mod second_probes;
mod single_faults;
mod two_faults;
mod wording;
