package catalog

import (
	"context"

	"github.com/parley-run/parley/runtime/service"
)

// AuditListIn is the input of parley.audit.list.
type AuditListIn struct {
	Limit int    `sio:",optional"` // how many at most, newest first; 0 means 50
	Kind  string `sio:",optional"` // only writes to objects of that kind
	Name  string `sio:",optional"` // only writes to objects of that name
	UpTo  int64  `sio:",optional"` // only revisions up to that one; 0: all
}

// AuditVerifyIn is the input of parley.audit.verify.
type AuditVerifyIn struct {
	Chain string `sio:",optional"` // one that was noted earlier and must still be there
}

// AuditServices are the internal services that read the audit log of d.
func AuditServices(d *Database) []service.Service {
	return []service.Service{
		service.New("parley.audit.list", func(ctx context.Context, _ service.Runtime, in AuditListIn) ([]AuditRow, error) {
			return d.Audit(ctx, AuditQuery(in))
		}).WithDoc("the newest writes to the catalog: who, what, when, and the content before and after").Needs(service.Read),
		service.New("parley.audit.verify", func(ctx context.Context, _ service.Runtime, in AuditVerifyIn) (AuditCheck, error) {
			return d.VerifyAudit(ctx, in.Chain)
		}).WithDoc("finds what was changed in the audit log, or in the catalog without it").Needs(service.Read),
	}
}
