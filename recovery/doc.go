// Package recovery says what happened to a damaged log, repairs what hashes prove, and documents the
// rest on the chain as a break anchor.
//
// The way through it is always the same. [Diagnose] looks and never writes. A plan ([PlanBreak],
// [PlanRepair], [PlanRestore]) is what would be done, step by step, with what each step reads, writes
// and keeps, and the verdict expected afterwards; making one writes nothing either. [Plan.Apply] does
// what the plan says or nothing: it makes the plan again under its own eyes, and refuses if the log is
// no longer the one that was planned for. Nothing is ever deleted.
package recovery
