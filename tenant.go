package dspool

import (
	"strings"
)

const (
	// EachTenant stands for every tenant that is not named, each by itself.
	EachTenant = "*"
	// TenantMax is the longest id of a tenant in bytes.
	TenantMax = SessionMax
	// tenantMark ends the tenant in a scoped name. No id can hold it.
	tenantMark = "\x1f"
)

// checkTenant refuses what cannot be the id of a tenant; "" is none.
func checkTenant(path, id string) error {
	if id == "" {
		return nil
	}
	if id == EachTenant {
		return badField(path, "%q stands for all tenants and is none", EachTenant)
	}
	if err := checkID(path, id); err != nil {
		return err
	}
	return nil
}

// scoped is a name that no other tenant's name can be equal to. Without a tenant
// it is the name itself.
func scoped(tenant, name string) string {
	if tenant == "" {
		return name
	}
	return tenant + tenantMark + name
}

// unscoped takes a scoped name apart.
func unscoped(key string) (tenant, name string) {
	if tenant, name, ok := strings.Cut(key, tenantMark); ok {
		return tenant, name
	}
	return "", key
}
