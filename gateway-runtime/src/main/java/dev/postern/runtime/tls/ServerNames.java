package dev.postern.runtime.tls;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which of several certificates is for a name: the ones that have exactly this name, else the ones that have it with
 * {@code *} for its first label, else the default. Immutable; nothing is cached for names that strangers ask for.
 */
final class ServerNames {
    private final Map<String, List<Credential>> exact = new HashMap<>();
    private final Map<String, List<Credential>> wildcards = new HashMap<>();
    private final List<Credential> others;

    /**
     * The table.
     *
     * @param credentials the first one is the default
     * @param refuseOthers whether there is no default
     */
    ServerNames(List<Credential> credentials, boolean refuseOthers) {
        Credential first = credentials.get(0);
        List<Credential> fallback = new ArrayList<>();
        for (Credential credential : credentials) {
            for (String name : credential.names()) {
                Map<String, List<Credential>> table = name.startsWith("*.") ? wildcards : exact;
                String key = name.startsWith("*.") ? name.substring(1) : name;
                table.computeIfAbsent(key, unused -> new ArrayList<>()).add(credential);
            }
            // The same site with keys of two kinds.
            if (credential.names().equals(first.names())) {
                fallback.add(credential);
            }
        }
        others = refuseOthers ? List.of() : List.copyOf(fallback);
    }

    /** The certificates for a lower-case name, or for none; empty when it is refused. */
    List<Credential> of(@Nullable String name) {
        if (name == null) {
            return others;
        }
        List<Credential> own = exact.get(name);
        if (own != null) {
            return own;
        }
        // RFC 9525 6.3: the asterisk stands for one label.
        int dot = name.indexOf('.');
        List<Credential> wild = dot > 0 ? wildcards.get(name.substring(dot)) : null;
        return wild != null ? wild : others;
    }

    /** Whether somebody who asked for one name has been shown a certificate that is shown for the other name too. */
    boolean shareOne(@Nullable String asked, String host) {
        List<Credential> forHost = of(host);
        for (Credential credential : of(asked)) {
            if (forHost.contains(credential)) {
                return true;
            }
        }
        return false;
    }

    /** A name that is not refused, or null when no name is. */
    @Nullable
    String example() {
        if (!others.isEmpty()) {
            return null;
        }
        for (String name : exact.keySet()) {
            return name;
        }
        for (String suffix : wildcards.keySet()) {
            return "canary" + suffix;
        }
        return null;
    }
}
