package dev.postern.runtime.balancing;

import dev.postern.Endpoint;
import dev.postern.LoadBalancer;
import dev.postern.Upstream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints in the order in which they are preferred: by priority, within one the own zone before the others. Without
 * priorities and zones there is one group.
 *
 * <pre>
 *   healthy of the first group    7/7   6/7   5/7   4/7   3/7   2/7   1/7   0/7
 *   it takes                      1     1     1     0.8   0.6   0.4   0.2   0      (1.4 × share, at most 1)
 *   the second takes              0     0     0     0.2   0.4   0.6   0.8   1
 * </pre>
 *
 * <p>The factor is Envoy's overprovisioning factor: a group is taken to have that much to spare. When all groups together
 * are not enough each takes in proportion; when moreover fewer of all endpoints are healthy than the panic threshold, health
 * is not believed and the first group takes everything.
 *
 * <p>Immutable but for what is derived from the endpoints' health, found out once for each change. Safe on any thread.
 */
final class Groups {
    private static final double SPARE = 1.4;

    private final Group[] groups;
    private final double panicThreshold;
    private final Pace pace;
    private volatile @Nullable Standing known;

    /** Endpoints that a balancer picks from. */
    static final class Group implements LoadBalancer.Endpoints {
        private final String name;
        private final int[] places;
        private final EndpointState[] states;
        private final Endpoint[] declared;
        private final LoadBalancer.@Nullable Picker picker;

        private Group(String name, ClusterView view, List<Integer> members) {
            this.name = name;
            places = new int[members.size()];
            states = new EndpointState[places.length];
            declared = new Endpoint[places.length];
            for (int i = 0; i < places.length; i++) {
                places[i] = members.get(i);
                states[i] = view.state(places[i]);
                declared[i] = view.declared().get(places[i]);
            }
            picker = places.length == 0 ? null : view.config().loadBalancer().prepare(this);
        }

        @Override
        public int size() {
            return places.length;
        }

        @Override
        public Endpoint get(int index) {
            return declared[index];
        }

        EndpointState member(int index) {
            return states[index];
        }

        /** Its index in {@link ClusterView#endpoints}. */
        int place(int index) {
            return places[index];
        }

        LoadBalancer.Picker picker() {
            if (picker == null) {
                throw new IllegalStateException("an empty group has no balancer");
            }
            return picker;
        }
    }

    /**
     * What the health of the endpoints means.
     *
     * @param changes the count of health changes for which it was found out
     * @param panic whether health is not believed
     * @param upTo the groups' shares, added up; the last is 1
     */
    record Standing(long changes, boolean panic, double[] upTo) {}

    /**
     * Groups of these endpoints.
     *
     * @param places of endpoints with a weight, ascending
     */
    Groups(ClusterView view, List<Integer> places) {
        Upstream config = view.config();
        pace = view.pace();
        panicThreshold = config.panicThreshold();
        if (config.priorityLabel() == null && config.zoneLabel() == null) {
            groups = new Group[] {new Group("", view, places)};
            return;
        }
        Map<Rank, List<Integer>> ranked = new TreeMap<>();
        for (int place : places) {
            ranked.computeIfAbsent(Rank.of(config, view.declared().get(place).labels()), rank -> new ArrayList<>())
                    .add(place);
        }
        List<Group> made = new ArrayList<>();
        ranked.forEach((rank, members) -> made.add(new Group(rank.name(config), view, members)));
        if (made.isEmpty()) {
            made.add(new Group("", view, List.of()));
        }
        groups = made.toArray(Group[]::new);
    }

    int size() {
        return groups.length;
    }

    Group group(int index) {
        return groups[index];
    }

    Group first() {
        return groups[0];
    }

    /** The group whose turn it is; the others are for when it has nobody to give. */
    Group turn(long ticket, Standing standing) {
        if (groups.length == 1) {
            return groups[0];
        }
        // Other bits than those by which balancers draw.
        double point = (Seeds.mix(~ticket) >>> 11) * 0x1p-53;
        int index = 0;
        while (index < groups.length - 1 && point >= standing.upTo[index]) {
            index++;
        }
        return groups[index];
    }

    /** What the health of the endpoints means now. */
    Standing standing() {
        long changes = pace.healthChanges();
        Standing last = known;
        if (last != null && last.changes == changes) {
            return last;
        }
        Standing now = judge(changes);
        known = now;
        return now;
    }

    boolean contains(int place) {
        return groupOf(place) != null;
    }

    /** The group's name and part for people, or nothing when there is only one. */
    String describe(int place) {
        Group group = groupOf(place);
        if (groups.length == 1 || group == null) {
            return "";
        }
        double[] upTo = standing().upTo;
        double share = 0;
        for (int i = 0; i < groups.length; i++) {
            if (groups[i] == group) {
                share = upTo[i] - (i == 0 ? 0 : upTo[i - 1]);
            }
        }
        return group.name + " (" + Math.round(share * 100) + " % of the requests), ";
    }

    private @Nullable Group groupOf(int place) {
        for (Group group : groups) {
            for (int each : group.places) {
                if (each == place) {
                    return group;
                }
            }
        }
        return null;
    }

    private Standing judge(long changes) {
        double[] upTo = new double[groups.length];
        double sum = 0;
        int well = 0;
        int members = 0;
        for (int i = 0; i < groups.length; i++) {
            int healthy = 0;
            int there = 0;
            for (EndpointState state : groups[i].states) {
                if (!state.draining()) {
                    there++;
                    healthy += state.healthy() ? 1 : 0;
                }
            }
            well += healthy;
            members += there;
            upTo[i] = Math.min(1, SPARE * healthy / Math.max(1, there));
            sum += upTo[i];
        }
        // One group has nobody to hand over to, so what it lacks says nothing.
        boolean enough = groups.length > 1 && sum >= 1;
        boolean panic = !enough && well < panicThreshold * members;
        double taken = 0;
        for (int i = 0; i < upTo.length; i++) {
            double part = panic || sum == 0 ? 1 : sum < 1 ? upTo[i] / sum : upTo[i];
            taken = Math.min(1, taken + part);
            upTo[i] = taken;
        }
        upTo[upTo.length - 1] = 1;
        return new Standing(changes, panic, upTo);
    }

    /** The place of a group in the order. */
    private record Rank(int priority, boolean elsewhere) implements Comparable<Rank> {
        static Rank of(Upstream config, Map<String, String> labels) {
            String label = config.priorityLabel();
            int priority = label == null ? 0 : number(labels.getOrDefault(label, "0"));
            String zoneLabel = config.zoneLabel();
            boolean elsewhere =
                    zoneLabel != null && !labels.getOrDefault(zoneLabel, "").equals(config.zone());
            return new Rank(priority, elsewhere);
        }

        private static int number(String text) {
            // What a discovery tells may be anything.
            return text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : Integer.MAX_VALUE;
        }

        String name(Upstream config) {
            String zone = config.zoneLabel() == null ? "" : elsewhere ? "other zones" : "zone " + config.zone();
            String level = config.priorityLabel() == null ? "" : "priority " + priority;
            return level.isEmpty() || zone.isEmpty() ? level + zone : level + ", " + zone;
        }

        @Override
        public int compareTo(Rank other) {
            return priority != other.priority
                    ? Integer.compare(priority, other.priority)
                    : Boolean.compare(elsewhere, other.elsewhere);
        }
    }
}
