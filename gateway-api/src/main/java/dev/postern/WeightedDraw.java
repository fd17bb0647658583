package dev.postern;

import dev.postern.LoadBalancer.Candidates;
import dev.postern.LoadBalancer.Endpoints;

/** Draws by chance in proportion to weights, in constant time (the alias method; Vose 1991). Immutable. */
final class WeightedDraw {
    private static final int MAX_DRAWS = 8;

    /** Column i gives i below {@code own[i]} of 1, else {@code other[i]}; all columns are equally likely. */
    private final double[] own;

    private final int[] other;

    WeightedDraw(Endpoints endpoints) {
        int size = endpoints.size();
        own = new double[size];
        other = new int[size];
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sum += endpoints.get(i).weight();
        }
        int[] poor = new int[size];
        int[] rich = new int[size];
        int poorCount = 0;
        int richCount = 0;
        for (int i = 0; i < size; i++) {
            own[i] = sum == 0 ? 1 : endpoints.get(i).weight() * size / sum;
            other[i] = i;
            if (own[i] < 1) {
                poor[poorCount++] = i;
            } else {
                rich[richCount++] = i;
            }
        }
        // A poor column is filled up by a rich one, which may become poor by that.
        while (poorCount > 0 && richCount > 0) {
            int filled = poor[--poorCount];
            int giver = rich[richCount - 1];
            other[filled] = giver;
            own[giver] -= 1 - own[filled];
            if (own[giver] < 1) {
                richCount--;
                poor[poorCount++] = giver;
            }
        }
        // What is left over is full but for rounding.
        while (poorCount > 0) {
            own[poor[--poorCount]] = 1;
        }
    }

    int draw(long bits) {
        int column = Balancers.bounded(bits, own.length);
        // The lower half has decided nothing yet.
        double level = (bits & 0xFFFF_FFFFL) * 0x1p-32;
        return level < own[column] ? column : other[column];
    }

    /** A usable one, or -1. */
    int usable(long random, Candidates candidates) {
        long bits = random;
        int index = 0;
        for (int i = 0; i < MAX_DRAWS; i++) {
            index = draw(bits);
            if (candidates.allows(index)) {
                return index;
            }
            bits = Balancers.mix(bits);
        }
        return Balancers.next(index, own.length, candidates);
    }
}
