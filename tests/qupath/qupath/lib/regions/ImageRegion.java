package qupath.lib.regions;

import java.util.Arrays;

public class ImageRegion {
    public final int[] numbers;

    private ImageRegion(int... numbers) { this.numbers = numbers; }
    public static ImageRegion createInstance(int x, int y, int width, int height, int z, int t) { return new ImageRegion(x, y, width, height, z, t); }
    @Override
    public boolean equals(Object other) { return other instanceof ImageRegion && Arrays.equals(numbers, ((ImageRegion) other).numbers); }
    @Override
    public int hashCode() { return Arrays.hashCode(numbers); }
}
