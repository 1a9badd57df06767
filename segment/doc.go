// Package segment keeps the log of one home: it appends, rotates, repairs what a crash left, and
// reads live, sealed and archived segments as one history.
//
// # The life of a record
//
// [Log.Append] returns after these steps. L is the lock: a turn among the Logs of this process,
// flock on audit.flock, and audit.lock for Node writers, taken in this order.
//
//  1. The event is checked and queued. Whatever queued up while the last batch was being synced
//     makes the next one.
//  2. L is taken. It says nothing about the past: a holder may have been killed anywhere.
//  3. The log is settled (see writer.settle): what a crash or a failed sync left is repaired and
//     written down, so that the log ends with a complete record. That record, read from the disk
//     each time, is the head.
//  4. If the live segment is full or its period over, it is sealed and a new one begun (see
//     writer.rotate). This syncs everything written so far.
//  5. The records are chained onto the head and written in one write.
//  6. L is released.
//  7. The live segment is synced. Processes that waited for L write meanwhile, and their sync and
//     ours become one in the kernel. A record may follow one that is not synced yet, never the
//     other way round: a sync of its own bytes covers all bytes before them.
//  8. The suspect word in audit.flock is read. If a sync failed anywhere, nobody acknowledges until
//     the next holder of L has compared the log with the medium.
//  9. The caller gets its record.
//  10. The mark, outside the home, is moved to the new head, if not at once then soon.
//
// The live segment comes into being complete, first record and name, so a record that is cut short
// is always one that follows another.
//
// # What an error means
//
// An append ends in one of three ways: durable, refused (not in the log, and it will not be), or
// unknown (written, but a sync failed). See [AppendError]. A failed sync is never repeated and what
// was written is never cut off by the one whose sync failed: the page cache may show bytes that the
// medium has not got, and a second sync may say yes to them.
package segment
