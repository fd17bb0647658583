package dev.postern.security;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What an {@link ApiKeyAuth} was told, as one value: two filters with equal options are interchangeable. */
record ApiKeyOptions(
        Map<Sha256, ApiKey> keys,
        @Nullable ApiKeyLookup lookup,
        Duration foundFor,
        Duration unknownFor,
        Duration lookupTimeout,
        String header,
        @Nullable String queryParameter,
        Set<String> scopes,
        boolean keyForwarded,
        String realm,
        List<String> problems) {}
