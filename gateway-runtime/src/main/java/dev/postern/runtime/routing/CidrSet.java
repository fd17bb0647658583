package dev.postern.runtime.routing;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Networks, sorted, none inside another, and halves joined: so one binary search answers, and equal sets look equal. */
final class CidrSet {
    private final Cidr[] networks;

    CidrSet(Collection<Cidr> all) {
        Cidr[] sorted = all.toArray(new Cidr[0]);
        Arrays.sort(sorted);
        int size = 0;
        for (Cidr next : sorted) {
            if (size > 0 && sorted[size - 1].contains(next)) {
                continue;
            }
            Cidr joined = next;
            for (Cidr half = next; size > 0 && half != null; ) {
                half = sorted[size - 1].joinedWith(joined);
                if (half != null) {
                    joined = half;
                    size--;
                }
            }
            sorted[size++] = joined;
        }
        networks = Arrays.copyOf(sorted, size);
    }

    boolean contains(Cidr network) {
        int at = Arrays.binarySearch(networks, network);
        // Not there itself: what contains it begins before it.
        int candidate = at >= 0 ? at : -at - 2;
        return candidate >= 0 && networks[candidate].contains(network);
    }

    boolean containsAll(CidrSet other) {
        for (Cidr network : other.networks) {
            if (!contains(network)) {
                return false;
            }
        }
        return true;
    }

    boolean isDisjoint(CidrSet other) {
        for (Cidr network : other.networks) {
            if (contains(network)) {
                return false;
            }
        }
        for (Cidr network : networks) {
            if (other.contains(network)) {
                return false;
            }
        }
        return true;
    }

    List<Cidr> networks() {
        return List.of(networks);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof CidrSet that && Arrays.equals(that.networks, networks);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(networks);
    }

    @Override
    public String toString() {
        return networks.length == 1 ? networks[0].toString() : Arrays.toString(networks);
    }
}
