package catalog

import (
	"context"

	"github.com/parley-run/parley/runtime/database"
)

// VerifyWithin is VerifyAudit of what a transaction sees.
func VerifyWithin(ctx context.Context, tx database.Conn, noted string) (AuditCheck, error) {
	return verifyAudit(ctx, tx, noted)
}
