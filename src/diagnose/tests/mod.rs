//! Faults as the world shows them, and what has to be said of each.

mod faults;
mod faults_behind;
mod judged;
mod looking;
mod pages;
mod pairs;
mod scene;
mod words;
