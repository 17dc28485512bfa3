package dspool

// Defaults of Objects.
const (
	ObjectsPerWorkerDefault     = 1024
	ObjectSnapshotBytesDefault  = 1 << 20
	ObjectSnapshotsBytesDefault = 256 << 20
)

// Objects bounds the objects that live in workers, see [Object].
type Objects struct {
	// PerWorker is how many a worker keeps; a call that would make one more
	// gets resource_exhausted. Defaults to 1024.
	PerWorker int
	// SnapshotBytes is the largest snapshot of an object, SnapshotsBytes what
	// all that are kept may take together. An object whose snapshot does not
	// fit has none: it is lost with its worker. Default to 1 MiB, or
	// FrameLimit if that is less, and 256 MiB.
	SnapshotBytes  int
	SnapshotsBytes int
}

func (o Objects) withDefaults(frameLimit int) Objects {
	o.PerWorker = or(o.PerWorker, ObjectsPerWorkerDefault)
	o.SnapshotBytes = or(o.SnapshotBytes, min(ObjectSnapshotBytesDefault, frameLimit))
	o.SnapshotsBytes = or(o.SnapshotsBytes, max(ObjectSnapshotsBytesDefault, o.SnapshotBytes))
	return o
}

func (o Objects) check(k *checker, frameLimit int) {
	k.must(o.PerWorker >= 1, "Objects.PerWorker", "must be at least 1, got %d", o.PerWorker)
	k.must(o.SnapshotBytes >= 1, "Objects.SnapshotBytes", "must be at least 1, got %d", o.SnapshotBytes)
	k.must(o.SnapshotBytes <= frameLimit, "Objects.SnapshotBytes", "must be at most FrameLimit (%d), got %d", frameLimit, o.SnapshotBytes)
	k.must(o.SnapshotsBytes >= o.SnapshotBytes, "Objects.SnapshotsBytes",
		"must not be less than SnapshotBytes (%d), got %d", o.SnapshotBytes, o.SnapshotsBytes)
}

// ObjectsStatus tells of the objects that live in workers.
type ObjectsStatus struct {
	// Live is how many there are now, and SnapshotBytes what their snapshots
	// take in this process.
	Live          int   `json:"live"`
	SnapshotBytes int64 `json:"snapshot_bytes"`
	// Lost counts objects that were lost with their worker and could not be
	// restored, Restored those that were made again from a snapshot, Renewed
	// those that were made anew.
	Lost     int64 `json:"lost"`
	Restored int64 `json:"restored"`
	Renewed  int64 `json:"renewed"`
}
