/** Filters that decide who may do what: API keys and bearer tokens. */
@org.jspecify.annotations.NullMarked
module dev.postern.security {
    requires transitive dev.postern.api;
    requires com.fasterxml.jackson.core;
    requires com.github.benmanes.caffeine;
    requires com.nimbusds.jose.jwt;

    exports dev.postern.security;
}
