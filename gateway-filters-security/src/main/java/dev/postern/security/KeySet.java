package dev.postern.security;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The keys of one issuer at one time, found by id. A token that names no key, and a key that has no id, are matched by
 * algorithm. Immutable.
 */
final class KeySet {
    /** More keys than this are not tried for one token: each try costs a verification. */
    static final int MAX_CANDIDATES = 4;

    private final List<JwtKey> inOrder;
    private final Set<JwtKey> all;
    private final Map<String, List<JwtKey>> byId = new HashMap<>();
    private final List<JwtKey> withoutId = new ArrayList<>();

    KeySet(List<JwtKey> keys) {
        inOrder = List.copyOf(keys);
        all = Set.copyOf(new HashSet<>(keys));
        for (JwtKey key : keys) {
            String id = key.id();
            if (id == null) {
                withoutId.add(key);
            } else {
                byId.computeIfAbsent(id, first -> new ArrayList<>(1)).add(key);
            }
        }
    }

    Set<JwtKey> keys() {
        return all;
    }

    /** Whether a key has this id, whatever it is good for. */
    boolean knows(String id) {
        return byId.containsKey(id);
    }

    boolean holds(JwtKey key) {
        return all.contains(key);
    }

    /**
     * The keys to try, at most {@value #MAX_CANDIDATES}, in the issuer's order.
     *
     * @param id what the token names, or null
     */
    List<JwtKey> candidates(@Nullable String id, JwtAlgorithm algorithm, Set<JwtAlgorithm> allowed) {
        Iterable<JwtKey> named = id == null ? inOrder : byId.getOrDefault(id, withoutId);
        List<JwtKey> candidates = new ArrayList<>(2);
        for (JwtKey key : named) {
            if (candidates.size() < MAX_CANDIDATES && key.allows(algorithm, allowed)) {
                candidates.add(key);
            }
        }
        return candidates;
    }
}
